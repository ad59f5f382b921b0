import { cdiDirectories, specPaths } from "../cdi/read.ts";
import { hostFactsBehindLinks } from "../host/host-facts.ts";
import { Findings, type Finding } from "./finding.ts";
import { programsNamed, versionOf } from "./programs.ts";
import { dockerSettings, tomlSettings, type CdiSettings } from "./runtime-settings.ts";
import { isAtLeast, versionNumbers } from "./version-number.ts";

/** A runtime that was found. */
interface Found {
  readonly path: string;
  readonly version: readonly number[];
}

interface Runtime {
  readonly name: string;
  /** Its version in what it prints, where that is no number with dots. */
  readonly version?: RegExp;
  /** What matters of it. */
  readonly examine: (found: Found, findings: Findings) => void;
}

/** Programs that run containers, and those that read CDI specs for them. */
const runtimes: readonly Runtime[] = [
  { name: "runc", examine: examineRunc },
  { name: "crun", examine: () => undefined },
  { name: "runsc", version: /20\d{6}(?:\.\d+)?/, examine: examineGvisor },
  { name: "podman", examine: examinePodman },
  { name: "dockerd", examine: examineDocker },
  { name: "containerd", examine: examineContainerd },
  { name: "crio", examine: examineCrio },
  { name: "k3s", examine: () => undefined },
];

/** Looks at the container runtimes: which, whether they read CDI, and which hooks they run. */
export function examineRuntimes(): readonly Finding[] {
  const findings = new Findings("runtimes");
  let number = 0;
  for (const { name, version: form, examine } of runtimes) {
    for (const path of programsNamed(name)) {
      number += 1;
      const { text, trouble } = versionOf(path, ["--version"]);
      const version = form === undefined ? versionNumbers(text) : form.exec(text)?.[0].split(".").map(Number);
      if (version === undefined) {
        findings.warning(
          "runtime-version",
          path,
          `does not tell its version${trouble}`,
          `see what ${path} --version says`,
        );
        continue;
      }
      findings.ok("runtime-version", path, `${name} ${version.join(".")}`);
      examine({ path, version }, findings);
    }
  }
  if (number === 0) {
    const remedy = "install one, or with --root name the root filesystem of the node";
    findings.warning("runtime-missing", "the usual folders", "no container runtime was found", remedy);
  }
  return findings.list;
}

function examineRunc({ path, version }: Found, findings: Findings): void {
  if (isAtLeast(version, [1, 3])) return;
  const what = "gives a hook without env the environment of the container's image (CVE-2025-23266)";
  findings.info("runtime-environment", path, what, "every hook needs env: cdi-hook cdi rewrite");
}

/** gVisor's versions are dates. */
function examineGvisor({ path, version }: Found, findings: Findings): void {
  if (isAtLeast(version, [firstGvisorWithHooks])) findings.ok("runtime-hooks", path, "runs createContainer hooks");
  else {
    const what = "runs no createContainer hooks, which NVIDIA's specs have; gVisor does since May 2026";
    findings.warning("runtime-hooks", path, what, "update it, or cdi-hook cdi rewrite --stage createRuntime");
  }
}

const firstGvisorWithHooks = 20_260_501;

/** podman reads CDI since 4.1, without a setting. */
function examinePodman({ path, version }: Found, findings: Findings): void {
  if (isAtLeast(version, [4, 1])) readsCdi(path, { file: "" }, findings);
  else noCdi(path, "reads no CDI specs before 4.1", "update it to 4.1 or later", findings);
}

/** Docker reads CDI since 25 when it is told so, and since 28.2 unless it is told not to. */
function examineDocker({ path, version }: Found, findings: Findings): void {
  const settings = dockerSettings("/etc/docker/daemon.json");
  const { file } = settings;
  if (settings.broken === true) findings.error("runtime-settings", file, "is not JSON", "correct it");
  if (!isAtLeast(version, [25])) noCdi(path, "reads no CDI specs before 25", "update it to 28.2 or later", findings);
  else if (settings.enabled ?? isAtLeast(version, [28, 2])) readsCdi(path, settings, findings);
  else {
    const remedy = `{"features": {"cdi": true}} in ${file}, then restart docker`;
    noCdi(path, `reads no CDI specs: features.cdi is not true in ${file}`, remedy, findings);
  }
}

/** Where distributions of Kubernetes have their containerd's settings; elsewhere it is containerd's own place. */
const containerdSettings: readonly (readonly [program: string, file: string])[] = [
  ["/var/lib/rancher/k3s/", "/var/lib/rancher/k3s/agent/etc/containerd/config.toml"],
  ["/var/lib/rancher/rke2/", "/var/lib/rancher/rke2/agent/etc/containerd/config.toml"],
  ["/var/lib/k0s/", "/etc/k0s/containerd.toml"],
  ["/snap/microk8s/", "/var/snap/microk8s/current/args/containerd.toml"],
  ["/", "/etc/containerd/config.toml"],
];

/** containerd reads CDI since 1.7 when it is told so, and since 2.0 unless it is told not to. */
function examineContainerd({ path, version }: Found, findings: Findings): void {
  const file = containerdSettings.find(([start]) => path.startsWith(start))?.[1] ?? "";
  const settings = tomlSettings(file, `${file.slice(0, file.lastIndexOf("/"))}/conf.d`);
  if (!isAtLeast(version, [1, 7])) noCdi(path, "reads no CDI specs before 1.7", "update it to 1.7 or later", findings);
  else if (settings.enabled ?? isAtLeast(version, [2])) readsCdi(path, settings, findings);
  else {
    const section = isAtLeast(version, [2]) ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri";
    const remedy = `enable_cdi = true in [plugins."${section}"] of ${settings.file}, then restart containerd`;
    noCdi(path, `reads no CDI specs for Kubernetes: enable_cdi is not true in ${settings.file}`, remedy, findings);
  }
}

/** CRI-O reads CDI since 1.23. */
function examineCrio({ path, version }: Found, findings: Findings): void {
  if (isAtLeast(version, [1, 23]))
    readsCdi(path, tomlSettings("/etc/crio/crio.conf", "/etc/crio/crio.conf.d"), findings);
  else noCdi(path, "reads no CDI specs before 1.23", "update it to 1.23 or later", findings);
}

function noCdi(path: string, what: string, remedy: string, findings: Findings): void {
  findings.warning("runtime-cdi", path, what, remedy);
}

/** It reads specs: of which directories, and are there others with specs? */
function readsCdi(path: string, { directories = cdiDirectories, file }: CdiSettings, findings: Findings): void {
  findings.ok("runtime-cdi", path, `reads CDI specs of ${directories.join(", ")}`);
  const read = new Set(directories.map((directory) => hostFactsBehindLinks(directory)?.identity));
  for (const directory of cdiDirectories) {
    const identity = hostFactsBehindLinks(directory)?.identity;
    if (identity === undefined || read.has(identity) || specPaths([directory]).length === 0) continue;
    const what = `does not read ${directory}, where specs are`;
    findings.warning("runtime-directories", path, what, `add it to the directories of CDI specs in ${file}`);
  }
}
