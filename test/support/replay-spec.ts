/** CDI specs as a container meets them: the edits of one device, and those that every device of the spec gets. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { parseAllDocuments } from "yaml";

export interface ReplayHook {
  readonly hookName: string;
  readonly path: string;
  readonly args: readonly string[];
  /** `NAME=value`, as in the spec; empty when the spec has none. */
  readonly env: readonly string[];
}

/** What a CDI-aware engine would put into one container. */
export interface ReplayedContainer {
  /** File, document where there are several, device. */
  readonly name: string;
  readonly file: string;
  /** In the order in which the engine adds them: the spec's own, then the device's. */
  readonly hooks: readonly ReplayHook[];
  /** Container paths, each once. */
  readonly mounts: readonly string[];
  readonly devices: readonly string[];
}

interface Edits {
  readonly hooks?: readonly (Omit<ReplayHook, "args" | "env"> & { args?: string[]; env?: string[] })[];
  readonly mounts?: readonly { containerPath: string }[];
  readonly deviceNodes?: readonly { path: string }[];
}

interface Spec {
  readonly containerEdits?: Edits;
  readonly devices?: readonly { name: string; containerEdits?: Edits }[];
}

/** What the golden files of NVIDIA's generator have in place of the driver's root. */
const template = "{{ .driverRoot }}";

/**
 * The containers of every spec in a directory, devices with equal edits once. A file may have several YAML documents.
 *
 * @throws Error for a file that is not YAML
 */
export function replayedContainers(directory: string): ReplayedContainer[] {
  const names = readdirSync(directory).filter((name) => /\.(?:json|yaml)$/u.test(name));
  return names.sort().flatMap((name) => containersOf(join(directory, name)));
}

function containersOf(path: string): ReplayedContainer[] {
  const file = basename(path);
  const text = readFileSync(path, "utf8").replaceAll(template, "");
  const documents = parseAllDocuments(text, { merge: true });
  return [...documents].flatMap((document, index) => {
    const [error] = document.errors;
    if (error !== undefined) throw new Error(`${file}: ${error.message}`);
    const spec = document.toJS() as Spec;
    const name = documents.length === 1 ? file : `${file}, document ${index + 1}`;
    const devices = spec.devices?.length ? spec.devices : [undefined];
    const byEdits = new Map<string, ReplayedContainer>();
    for (const device of devices) {
      const edits = merged([spec.containerEdits ?? {}, device?.containerEdits ?? {}]);
      const title = device === undefined ? name : `${name}, device ${device.name}`;
      const key = JSON.stringify(edits);
      if (!byEdits.has(key)) byEdits.set(key, { name: title, file, ...edits });
    }
    return [...byEdits.values()];
  });
}

function merged(all: readonly Edits[]): Pick<ReplayedContainer, "hooks" | "mounts" | "devices"> {
  const hooks = all.flatMap((edits) => edits.hooks ?? []);
  const mounts = all.flatMap((edits) => edits.mounts ?? []).map(({ containerPath }) => containerPath);
  const devices = all.flatMap((edits) => edits.deviceNodes ?? []).map(({ path }) => path);
  return {
    hooks: hooks.map(({ hookName, path, args, env }) => ({ hookName, path, args: args ?? [], env: env ?? [] })),
    mounts: [...new Set(mounts)],
    devices: [...new Set(devices)],
  };
}

/** A hook's name and its flags, read as the test reads them: far less than the product does, and enough for its specs. */
export interface ReplayedWords {
  readonly hook: string;
  /** The values of a flag that may be repeated, as they stand. */
  readonly all: (flag: string) => string[];
  /** The last value of a flag, empty when it was not given. */
  readonly last: (flag: string) => string;
}

/** The words behind `args[0]`, and `hook` left out. */
export function replayedWords({ args }: ReplayHook): ReplayedWords {
  const words = args.slice(1).filter((word) => word !== "hook" && !/^--?(?:debug|d|quiet)(?:=|$)/u.test(word));
  const end = words.indexOf("--");
  const [hook = "", ...rest] = end < 0 ? words : words.slice(0, end);
  const values = (flag: string): string[] =>
    rest.flatMap((word, index) => {
      const [, name, value] = /^--?([a-z-]+)(?:=(.*))?$/u.exec(word) ?? [];
      return name === flag ? [value ?? rest[index + 1] ?? ""] : [];
    });
  return {
    hook,
    all: values,
    last: (flag) => values(flag).at(-1) ?? "",
  };
}
