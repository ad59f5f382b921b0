import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { leftoversIn } from "../host/host-directory.ts";
import { changeableByOthers, hostFacts, hostLabel } from "../host/host-facts.ts";
import { Findings, type Finding } from "./finding.ts";
import { candidates, executableName, isInstalled, linkNames, ownership } from "./prefix.ts";
import { startOurs } from "./start.ts";
import { versionNumbers } from "./version-number.ts";

/** This program, for comparison. */
export interface Self {
  readonly version: string;
  readonly bytes: Uint8Array;
}

const largest = 64 << 20;

/** Looks at the installation in `prefix`; without one, at those in the usual places. */
export function examineInstallation(prefix: string | undefined, self: Self): readonly Finding[] {
  const findings = new Findings("installation");
  const installed = (prefix === undefined ? candidates : [prefix]).filter((each) => isInstalled(each));
  if (installed.length === 0) {
    const where = prefix ?? "the usual places";
    findings.warning("installation-missing", where, "cdi-hook is not installed", installCommand(prefix));
  }
  if (installed.length > 1) {
    const others = installed.slice(1);
    const remedy = others.map((each) => `cdi-hook uninstall --prefix ${each}`).join("; ");
    findings.warning("installation-twice", installed.join(", "), "installed in several places", remedy);
  }
  for (const each of installed) examinePrefix(each, self, findings);
  return findings.list;
}

function installCommand(prefix: string | undefined): string {
  return prefix === undefined ? "cdi-hook install --prefix auto" : `cdi-hook install --prefix ${prefix}`;
}

function examinePrefix(prefix: string, self: Self, findings: Findings): void {
  const bin = `${prefix}/bin`;
  const path = `${bin}/${executableName}`;
  const remedy = installCommand(prefix);
  const facts = hostFacts(path);
  if (facts === undefined) return;
  const [changeable] = changeableByOthers(path);
  if (changeable !== undefined) {
    const what = `others than root may change ${changeable}, and hooks run as root`;
    const owned = changeable === path ? remedy : `chown root:root ${changeable}; chmod go-w ${changeable}`;
    findings.error("installation-writable", path, what, owned);
  }
  if ((facts.mode & 0o111) !== 0o111) {
    findings.error("installation-mode", path, `not executable for all (mode ${facts.mode.toString(8)})`, remedy);
  }
  for (const name of linkNames.filter((each) => ownership(bin, each) !== "ours")) {
    const what = ownership(bin, name) === "foreign" ? "not of cdi-hook" : "missing: specs that name it would fail";
    findings.warning("installation-name", `${bin}/${name}`, what, remedy);
  }
  for (const name of leftoversIn(bin)) {
    findings.info("installation-leftover", `${bin}/${name}`, "left by an installation that was killed", remedy);
  }
  const usual = hostFacts("/sys/fs/selinux/enforce") === undefined ? undefined : hostLabel("/usr/bin");
  const label = hostLabel(path);
  if (usual !== undefined && label !== undefined && toText(usual) !== toText(label)) {
    const what = `SELinux label ${shown(label)}, programs have ${shown(usual)}`;
    findings.warning("installation-label", path, what, `chcon --reference=/usr/bin ${path}`);
  }
  examineStart(bin, self, findings, remedy);
}

/** SELinux ends a label with a NUL. */
function shown(label: Uint8Array): string {
  return toText(label).replace(/\0+$/, "");
}

/** Starts each name as a hook, with an empty environment. */
function examineStart(bin: string, self: Self, findings: Findings, remedy: string): void {
  const path = `${bin}/${executableName}`;
  const started = [executableName, ...linkNames].filter((name) => {
    if (ownership(bin, name) !== "ours") return false;
    try {
      startOurs(`${bin}/${name}`, name === "nvidia-ctk" ? ["hook", "noop"] : ["noop"]);
      return true;
    } catch (error) {
      if (!(error instanceof HookError)) throw error;
      findings.error("installation-start", `${bin}/${name}`, `does not start as a hook: ${error.message}`, remedy);
      return false;
    }
  });
  if (!started.includes(executableName)) return;
  findings.ok("installation-start", bin, `starts with an empty environment as ${started.join(", ")}`);
  const version = versionNumbers(startOurs(path, ["--version"]))?.join(".") ?? "unknown";
  if (version !== self.version) {
    findings.warning("installation-version", path, `version ${version}; this is ${self.version}`, remedy);
  } else if (readHostFile(path, "kernel", largest) === toText(self.bytes)) {
    findings.ok("installation-version", path, `version ${version}, the same as this one`);
  } else findings.warning("installation-version", path, `version ${version}, but another build than this one`, remedy);
}
