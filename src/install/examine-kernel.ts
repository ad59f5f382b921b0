import { Findings, type Finding } from "./finding.ts";
import { hostText } from "./host-text.ts";
import { isAtLeast, versionNumbers } from "./version-number.ts";

/** Looks at what of the kernel matters for hooks and for those who start them. */
export function examineKernel(): readonly Finding[] {
  const findings = new Findings("kernel");
  const release = hostText("/proc/sys/kernel/osrelease")?.trimEnd();
  if (release === undefined) {
    const what = "not mounted: the driver, the kernel and modules cannot be looked at";
    findings.warning("proc-missing", "/proc", what, "mount -t proc proc /proc");
    return findings.list;
  }
  const version = versionNumbers(release) ?? [];
  if (isAtLeast(version, [6, 15])) findings.ok("kernel-version", "Linux", `${release}, mounts without a trace`);
  else {
    const what = "before 6.15 disable-device-node-modification mounts through the container's folder for a moment";
    findings.info("kernel-version", "Linux", `${release}; ${what}`);
  }
  const spaces = hostText("/proc/sys/user/max_user_namespaces")?.trim();
  const unprivileged = hostText("/proc/sys/kernel/unprivileged_userns_clone")?.trim();
  if (spaces === "0") {
    const what = "none allowed: containers in user namespaces (rootless, hostUsers: false) do not start";
    findings.info("user-namespaces", "/proc/sys/user/max_user_namespaces", what);
  } else if (unprivileged === "0") {
    findings.info("user-namespaces", "/proc/sys/kernel/unprivileged_userns_clone", "only root makes user namespaces");
  } else findings.ok("user-namespaces", "user namespaces", "allowed");
  const enforcing = hostText("/sys/fs/selinux/enforce")?.trim();
  if (enforcing !== undefined) {
    findings.info("selinux", "/sys/fs/selinux", enforcing === "1" ? "SELinux enforces" : "SELinux only tells");
  }
  return findings.list;
}
