import { conflictsOf, type Conflict } from "../../cdi/conflicts.ts";
import { hookNamed } from "../../cdi/hooks.ts";
import { readSpecs, type SpecFile } from "../../cdi/read.ts";
import type { ContainerEdits, Device, Hook } from "../../cdi/spec.ts";
import type { Logger } from "../../logger.ts";
import { exitStatusOf, failure, success } from "../exit.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { table, type Cell } from "../table.ts";
import { terminalOf, type Style } from "../terminal.ts";
import { problemDocument, tellProblems } from "./problems.ts";
import { Servers, type Server } from "./served.ts";

export interface ListFlags {
  readonly json?: boolean;
}

/** A spec with what is to be told of it. */
interface Listed {
  readonly file: SpecFile;
  readonly devices: readonly ListedDevice[];
  readonly hooks: readonly ListedHook[];
}

interface ListedDevice {
  readonly device: Device;
  /** `conflict`: another spec of the directory defines it, too. `shadowed`: one of a later directory does. */
  readonly status: "usable" | "conflict" | "shadowed";
}

interface ListedHook {
  readonly hook: Hook;
  /** The devices that bring it; none for a hook of every device. */
  readonly devices: readonly string[];
  readonly servedBy: Server;
}

/** `cdi list`: the exit status, 1 when a spec cannot be read. */
export function list(paths: readonly string[], flags: ListFlags, log: Logger): number {
  let failed = false;
  const status = exitStatusOf(
    () => {
      const files = readSpecs(paths.length === 0 ? undefined : paths);
      const conflicts = conflictsOf(files);
      const servers = new Servers();
      const specs = files.map((file) => listed(file, conflicts.get(file) ?? [], servers));
      for (const { path, problems } of files) tellProblems(path, problems, log);
      failed = files.some(({ problems }) => problems.some(({ severity }) => severity === "error"));
      if (flags.json === true) writeJson({ specs: specs.map(specDocument) });
      else writeOutput(told(specs));
    },
    "cdi list",
    log,
  );
  return status === success && failed ? failure : status;
}

function listed(file: SpecFile, conflicts: readonly Conflict[], servers: Servers): Listed {
  const { spec } = file;
  if (spec === undefined) return { file, devices: [], hooks: [] };
  const statusOf = ({ name }: Device): ListedDevice["status"] => {
    const conflict = conflicts.find(({ device }) => device === name);
    return conflict === undefined ? "usable" : conflict.severity === "error" ? "conflict" : "shadowed";
  };
  // Aliases make devices with the same edits: their hooks are told once.
  const owners = new Map<ContainerEdits, string[]>();
  for (const { name, containerEdits } of spec.devices) {
    const others = owners.get(containerEdits);
    if (others === undefined) owners.set(containerEdits, [name]);
    else others.push(name);
  }
  const hooksIn = (edits: ContainerEdits, devices: readonly string[]): ListedHook[] =>
    edits.hooks.map((hook) => ({ hook, devices, servedBy: servers.of(hook) }));
  return {
    file,
    devices: spec.devices.map((device) => ({ device, status: statusOf(device) })),
    hooks: [...hooksIn(spec.containerEdits, []), ...[...owners].flatMap(([edits, devices]) => hooksIn(edits, devices))],
  };
}

const serverStyles: Readonly<Partial<Record<Server, Style>>> = {
  "cdi-hook": "green",
  nvidia: "yellow",
  missing: "red",
  unknown: "red",
};

function told(specs: readonly Listed[]): string {
  const terminal = terminalOf(1);
  const devices = specs.flatMap(({ file, devices: all }) => all.map((device) => deviceRow(file, device)));
  const hooks = specs.flatMap(({ file, hooks: all }) => all.map((hook) => hookRow(file, hook)));
  if (devices.length === 0 && hooks.length === 0) return "no CDI devices found\n";
  const deviceTable = table(
    [
      { title: "DEVICE", cut: "end" },
      { title: "NODES", align: "right" },
      { title: "MOUNTS", align: "right" },
      { title: "HOOKS", align: "right" },
      { title: "STATUS" },
      { title: "SPEC", cut: "start" },
    ],
    devices,
    terminal,
  );
  if (hooks.length === 0) return deviceTable;
  const hookTable = table(
    [
      { title: "HOOK", cut: "end" },
      { title: "STAGE" },
      { title: "ENV" },
      { title: "SERVED BY" },
      { title: "PROGRAM", cut: "start" },
      { title: "SPEC", cut: "start" },
    ],
    hooks,
    terminal,
  );
  return `${deviceTable}\n${hookTable}`;
}

function deviceRow({ path, spec }: SpecFile, { device, status }: ListedDevice): readonly Cell[] {
  const { deviceNodes, mounts, hooks } = device.containerEdits;
  const own = [deviceNodes, mounts, hooks].map(({ length }) => String(length));
  const state: Cell = status === "usable" ? status : { text: status, style: status === "conflict" ? "red" : "yellow" };
  return [`${spec?.kind ?? ""}=${device.name}`, ...own, state, path];
}

function hookRow({ path }: SpecFile, { hook, servedBy }: ListedHook): readonly Cell[] {
  const style = serverStyles[servedBy];
  return [
    hookNamed(hook) || "-",
    hook.hookName,
    hook.env.length > 0 ? "yes" : { text: "no", style: "yellow" },
    style === undefined ? servedBy : { text: servedBy, style },
    hook.path,
    `${path}:${hook.line}`,
  ];
}

function specDocument({ file, devices, hooks }: Listed): Json {
  const { path, spec, problems } = file;
  return {
    path,
    cdiVersion: spec?.cdiVersion ?? "",
    kind: spec?.kind ?? "",
    devices: devices.map(({ device, status }) => ({
      name: device.name,
      status,
      line: device.line,
      deviceNodes: device.containerEdits.deviceNodes.map((node) => node.path),
      mounts: device.containerEdits.mounts.map((mount) => mount.containerPath),
    })),
    hooks: hooks.map(({ hook, devices: owners, servedBy }) => ({
      line: hook.line,
      devices: owners,
      stage: hook.hookName,
      hook: hookNamed(hook),
      path: hook.path,
      args: hook.args,
      env: hook.env,
      servedBy,
    })),
    problems: problems.map(problemDocument),
  };
}
