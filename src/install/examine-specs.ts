import { cdiDirectories, readSpecs, type SpecFile } from "../cdi/read.ts";
import type { Hook, Spec } from "../cdi/spec.ts";
import { validateDocument } from "../cdi/validate.ts";
import { changeableByOthers, hostFactsBehindLinks, isNoexec, knownHostFacts } from "../host/host-facts.ts";
import { loadedDriver } from "./examine-nvidia.ts";
import { Findings, type Finding } from "./finding.ts";
import { grouped } from "./grouped.ts";
import { isOurExecutable } from "./ours.ts";
import { versionOf } from "./programs.ts";
import { hooksOf } from "./references.ts";

/** Lines that a finding names of one file. */
const linesShown = 5;

/** A spec that could be read. */
type ReadFile = SpecFile & { readonly spec: Spec };

/** Looks at the CDI specs of the node: are they valid, do their hooks start, are their files there? */
export function examineSpecs(): readonly Finding[] {
  const findings = new Findings("specs");
  const files = onceEach(readSpecs()).map(validated);
  for (const directory of cdiDirectories) examineDirectory(directory, files, findings);
  if (files.length === 0) {
    const what = "no CDI specs: no container gets a device by CDI";
    findings.warning(
      "specs-missing",
      cdiDirectories.join(", "),
      what,
      "nvidia-ctk cdi generate --output /etc/cdi/nvidia.yaml",
    );
  }
  const programs = new Map<string, Program>();
  for (const file of files) {
    if (isRead(file)) examineFile(file, programs, findings);
    else if (file.problems.length > 0) tellProblems(file, findings);
  }
  examineNames(files.filter(isRead), findings);
  return findings.list;
}

/** With all that a CDI reader would say of it. */
function validated(file: SpecFile): SpecFile {
  return file.document === undefined ? file : { ...file, problems: validateDocument(file.document).problems };
}

function isRead(file: SpecFile): file is ReadFile {
  return file.spec !== undefined;
}

/** /var/run is /run on most hosts; a file that two directories lead to is one file. */
function onceEach(files: readonly SpecFile[]): readonly SpecFile[] {
  const seen = new Set<number>();
  return files.filter(({ path }) => {
    const identity = knownHostFacts(path)?.identity;
    if (identity === undefined) return true;
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
}

function examineDirectory(directory: string, files: readonly SpecFile[], findings: Findings): void {
  const here = files.filter((file) => file.directory === directory && file.path !== directory);
  if (hostFactsBehindLinks(directory) === undefined) return;
  if (here.length > 0) findings.ok("specs-directory", directory, counted(here.length, "spec"));
  const [changeable] = changeableByOthers(directory);
  if (changeable !== undefined) {
    const what = `others than root may change ${changeable}: they say what root runs`;
    findings.error("spec-writable", directory, what, `chown root:root ${changeable}; chmod go-w ${changeable}`);
  }
}

function counted(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function tellProblems({ path, problems }: SpecFile, findings: Findings): void {
  const errors = problems.filter(({ severity }) => severity === "error");
  const [first] = errors.length === 0 ? problems : errors;
  if (first === undefined) return;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  const where = first.line === 0 ? path : `${path}:${first.line}`;
  findings.error(
    "spec-invalid",
    where,
    `${first.message}${more}: runtimes do not read it`,
    `cdi-hook cdi validate ${path}`,
  );
}

function examineFile(file: ReadFile, programs: Map<string, Program>, findings: Findings): void {
  const { path, spec } = file;
  const [errors, doubts] = [
    file.problems.filter(({ severity }) => severity === "error"),
    file.problems.filter(({ severity }) => severity === "warning"),
  ];
  if (errors.length > 0) tellProblems(file, findings);
  for (const { line, message } of doubts.slice(0, linesShown)) {
    findings.warning("spec-doubtful", `${path}:${line}`, message, `cdi-hook cdi validate ${path}`);
  }
  const facts = hostFactsBehindLinks(path);
  if (facts !== undefined && (facts.uid !== 0 || (facts.mode & 0o022) !== 0)) {
    const what = "others than root may change it: it says what root runs";
    findings.error("spec-writable", path, what, `chown root:root ${path}; chmod go-w ${path}`);
  }
  const hooks = hooksOf(spec);
  for (const [program, calls] of grouped(hooks, (hook) => hook.path)) {
    const known = programs.get(program) ?? lookAt(program);
    programs.set(program, known);
    tellProgram(file, program, known, calls, findings);
  }
  const bare = hooks.filter(({ env }) => env.length === 0);
  if (bare.length > 0) {
    const what = `${counted(bare.length, "hook")} without env (${linesOf(bare)}): runc before 1.3 gives them the container image's environment (CVE-2025-23266)`;
    findings.warning("hook-env", placeOf(file, bare), what, `cdi-hook cdi rewrite ${path}`);
  }
  examineSources(file, findings);
}

/** What is known of a program that hooks name. */
interface Program {
  readonly kind: "ours" | "foreign";
  /** What is wrong with it, with the name of the check. */
  readonly fault?: readonly [check: string, what: string];
}

/** Looks at a program, and starts those whose names say that they know `--version`. */
function lookAt(path: string): Program {
  const facts = knownHostFacts(path);
  if (facts === undefined) return { kind: "foreign", fault: ["hook-missing", "does not exist"] };
  const kind = isOurExecutable(path, facts) ? "ours" : "foreign";
  const fault = (check: string, what: string): Program => ({ kind, fault: [check, what] });
  if (facts.type !== "file") return fault("hook-not-executable", "is not a file");
  if ((facts.mode & 0o111) === 0) return fault("hook-not-executable", "is not executable");
  if (isNoexec(path)) return fault("hook-not-executable", "is on a file system that is mounted noexec");
  const [changeable] = changeableByOthers(path);
  if (changeable !== undefined)
    return fault("hook-writable", `can be exchanged: others than root may change ${changeable}`);
  if (!/\/(?:nvidia-ctk|nvidia-cdi-hook|cdi-hook)$/.test(path)) return { kind };
  const { text, trouble } = versionOf(path, ["--version"]);
  if (trouble !== "") return fault("hook-start", `does not start with an empty environment${trouble}`);
  return text === "" ? fault("hook-start", "starts, but does not tell its version") : { kind };
}

function tellProgram(
  file: ReadFile,
  program: string,
  { kind, fault }: Program,
  calls: readonly Hook[],
  findings: Findings,
): void {
  const rewrite = `cdi-hook cdi rewrite ${file.path}`;
  const where = placeOf(file, calls);
  const number = counted(calls.length, "hook");
  if (fault !== undefined) {
    const [check, what] = fault;
    const remedy = kind === "ours" ? "cdi-hook install" : rewrite;
    const repair = check === "hook-writable" ? `chown root:root and chmod go-w what is named` : remedy;
    findings.error(check, where, `${program} ${what}; ${number} (${linesOf(calls)})`, repair);
  } else if (kind === "ours") findings.ok("hook-program", where, `${number} by cdi-hook, ${program}`);
  else findings.info("hook-program", where, `${number} by ${program}`, rewrite);
}

function placeOf({ path }: SpecFile, hooks: readonly Hook[]): string {
  return hooks.length === 1 && hooks[0] !== undefined ? `${path}:${hooks[0].line}` : path;
}

function linesOf(hooks: readonly Hook[]): string {
  const lines = [...new Set(hooks.map(({ line }) => line))];
  const rest = lines.length > linesShown ? ", ..." : "";
  return `line${lines.length === 1 ? "" : "s"} ${lines.slice(0, linesShown).join(", ")}${rest}`;
}

function missing(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter((path) => knownHostFacts(path) === undefined);
}

/** What a spec names of the host and is not there: after an update of the driver it is the old one's libraries. */
function examineSources(file: ReadFile, findings: Findings): void {
  const { path, spec } = file;
  const edits = [spec, ...spec.devices].map(({ containerEdits }) => containerEdits);
  const regenerate = "write it anew: nvidia-ctk cdi generate, or systemctl restart nvidia-cdi-refresh";
  const tell = (check: string, word: string, paths: readonly string[]): void => {
    const [first] = paths;
    if (first === undefined) return;
    const what = `${counted(paths.length, word)} not there, ${first}${paths.length > 1 ? " first" : ""}`;
    findings.warning(check, path, what, regenerate);
  };
  const mounts = edits.flatMap(({ mounts: each }) => each.map(({ hostPath }) => hostPath));
  tell("mount-missing", "mounted file", missing(mounts));
  const nodes = edits.flatMap(({ deviceNodes }) => deviceNodes.map((node) => node.hostPath || node.path));
  tell("device-missing", "device node", missing(nodes));
  const loaded = loadedDriver();
  const written = mounts
    .map((each) => /\/libcuda\.so\.(\d+\.\d+(?:\.\d+)*)$/.exec(each)?.[1])
    .find((each) => each !== undefined);
  if (loaded !== undefined && written !== undefined && written !== loaded) {
    findings.warning("driver-mismatch", path, `is of driver ${written}, ${loaded} is loaded`, regenerate);
  }
}

/** A device that two files of one directory define is given to nobody; of two directories the later one wins. */
function examineNames(files: readonly ReadFile[], findings: Findings): void {
  const devices = files.flatMap((file) =>
    file.spec.devices.map(({ name, line }) => ({ name: `${file.spec.kind}=${name}`, line, file })),
  );
  const told = new Set<string>();
  for (const [name, definitions] of grouped(devices, (device) => device.name)) {
    for (const [at, { file, line }] of definitions.entries()) {
      const others = definitions.slice(0, at).filter((other) => other.file.path !== file.path);
      const earlier = others.find((other) => other.file.directory === file.directory) ?? others[0];
      const pair = `${earlier?.file.path} ${file.path}`;
      if (earlier === undefined || told.has(pair)) continue;
      told.add(pair);
      const where = `${file.path}:${line}`;
      if (earlier.file.directory === file.directory) {
        const what = `${name} is also in ${earlier.file.path}: runtimes give it to nobody`;
        findings.error("device-conflict", where, what, `remove one of the two files, or rename the device`);
      } else findings.info("device-twice", where, `${name} is also in ${earlier.file.path}; this one wins`);
    }
  }
}
