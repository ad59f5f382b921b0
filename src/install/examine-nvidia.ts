import { hostFactsBehindLinks, knownHostFacts } from "../host/host-facts.ts";
import { Findings, type Finding } from "./finding.ts";
import { hostText } from "./host-text.ts";
import { isOurExecutable } from "./ours.ts";
import { programsNamed, versionOf } from "./programs.ts";
import { isAtLeast, versionNumbers } from "./version-number.ts";

const driverVersion = "/proc/driver/nvidia/version";
const driverParams = "/proc/driver/nvidia/params";

/** NVIDIA's programs that write specs, run hooks, or start containers. */
const tools: readonly string[] = [
  "nvidia-ctk",
  "nvidia-cdi-hook",
  "nvidia-container-runtime",
  "nvidia-container-runtime-hook",
  "nvidia-container-cli",
];

/** The release whose specs have hooks with an environment (CVE-2025-23266). */
const withEnvironment: readonly number[] = [1, 17, 8];

const unitFolders: readonly string[] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const refreshSettings = "/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env";

/** The version of the loaded driver, such as `535.104.05`; undefined without one. */
export function loadedDriver(): string | undefined {
  return /Kernel Module(?: for \S+)? +(\d+(?:\.\d+)+)/.exec(hostText(driverVersion) ?? "")?.[1];
}

/** Looks at the driver and at NVIDIA's tools. */
export function examineNvidia(): readonly Finding[] {
  const findings = new Findings("nvidia");
  examineDriver(findings);
  for (const name of tools) for (const path of programsNamed(name)) examineTool(name, path, findings);
  examineRefresh(findings);
  return findings.list;
}

function examineDriver(findings: Findings): void {
  const version = loadedDriver();
  if (version === undefined) {
    findings.info("driver", driverVersion, "no NVIDIA driver is loaded");
    return;
  }
  findings.ok("driver", driverVersion, `driver ${version}`);
  const modify = /^ModifyDeviceFiles: *(\d+)/m.exec(hostText(driverParams) ?? "")?.[1];
  if (modify === "0") findings.ok("modify-device-files", driverParams, "ModifyDeviceFiles is 0");
  else if (modify !== undefined) {
    const what = `ModifyDeviceFiles is ${modify}: the hook disable-device-node-modification hides that from containers`;
    findings.info("modify-device-files", driverParams, what);
  }
}

function examineTool(name: string, path: string, findings: Findings): void {
  const facts = hostFactsBehindLinks(path);
  if (facts !== undefined && isOurExecutable(path, facts)) {
    const what = `cdi-hook stands where NVIDIA's ${name} is looked for`;
    if (name === "nvidia-ctk") findings.error("nvidia-shadowed", path, `${what}, and has only its hooks`, `rm ${path}`);
    else findings.info("nvidia-shadowed", path, what);
    return;
  }
  const { text, trouble } = versionOf(path, ["--version"]);
  const version = versionNumbers(text);
  if (version === undefined) {
    findings.warning("nvidia-tool", path, `does not tell its version${trouble}`, "install NVIDIA's package again");
    return;
  }
  const shown = `version ${version.join(".")}`;
  if (name !== "nvidia-ctk" || isAtLeast(version, withEnvironment)) findings.ok("nvidia-tool", path, shown);
  else {
    const what = `${shown}: its specs have hooks without env (CVE-2025-23266)`;
    findings.warning(
      "nvidia-tool",
      path,
      what,
      "update it to 1.17.8 or later, or keep specs rewritten: cdi-hook cdi watch",
    );
  }
}

/** The service that writes /var/run/cdi/nvidia.yaml anew, at boot and when the driver changes. */
function examineRefresh(findings: Findings): void {
  const unit = unitFolders
    .map((folder) => `${folder}/nvidia-cdi-refresh.service`)
    .find((path) => knownHostFacts(path) !== undefined);
  if (unit === undefined) return;
  const told = /^\s*NVIDIA_CTK_CDI_HOOK_PATH=(.+)$/m.exec(hostText(refreshSettings) ?? "")?.[1];
  if (told !== undefined) {
    findings.ok("cdi-refresh", refreshSettings, `nvidia-cdi-refresh writes specs with ${told}`);
    return;
  }
  const what = "writes /var/run/cdi/nvidia.yaml anew at boot and when the driver changes: one rewrite does not last";
  findings.info("cdi-refresh", unit, what, `NVIDIA_CTK_CDI_HOOK_PATH in ${refreshSettings}, or cdi-hook cdi watch`);
}
