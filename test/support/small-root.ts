/** Small roots on which our ldconfig is run, and what came of it in lines that a test can name. */
import { join } from "node:path";
import { readlinkSync } from "node:fs";
import { readCache } from "../../src/ldcache/read.ts";
import { profileFor, type Profile, type ProfileRequest } from "../../src/ldconfig/profile.ts";
import { update, type UpdateOptions } from "../../src/ldconfig/update.ts";
import { KernelRoot } from "../../src/rootfs/kernel-root.ts";
import { forgeElf, type ForgedElf } from "./elf-forge.ts";
import { scratchDirectory } from "./scratch.ts";
import { writeTree, type TreeEntry } from "./tree-entries.ts";

/** The bytes of a byte string. */
export const text = (value: string): Uint8Array => Uint8Array.from(Buffer.from(value, "latin1"));

/** A library with that soname; without one when it is undefined. */
export function elf(soname?: string, more: ForgedElf = {}): Uint8Array {
  return forgeElf({ ...(soname === undefined ? {} : { sonames: [soname] }), ...more });
}

export interface Made {
  readonly path: string;
  readonly profile: Profile;
  /** `key => value`, with flags and what else is not usual. */
  readonly entries: string[];
  readonly links: string[];
  readonly warnings: string[];
  readonly debug: string[];
  readonly changed: boolean;
}

export type Files = Readonly<Record<string, Uint8Array | string>>;

/** Files by their path; a string is a link's target, or a directory if it is empty. */
export function entriesOf(files: Files): TreeEntry[] {
  const directories = new Set<string>();
  for (const [path, content] of Object.entries(files)) {
    const parts = path.split("/").slice(1, content === "" ? undefined : -1);
    parts.forEach((_, index) => directories.add(`/${parts.slice(0, index + 1).join("/")}`));
  }
  return [
    ...[...directories].map((path): TreeEntry => ({ kind: "directory", path })),
    ...Object.entries(files).flatMap(([path, content]): TreeEntry[] => {
      if (content === "") return [];
      return [
        typeof content === "string" ? { kind: "link", path, target: content } : { kind: "file", path, bytes: content },
      ];
    }),
  ];
}

/**
 * Makes the root and updates it, as Debian 12's ldconfig unless told. `/etc/ld.so.conf` names `/opt/a` unless it is among
 * the files.
 */
export function run(
  files: Files,
  request: Partial<ProfileRequest> = {},
  options: Partial<UpdateOptions> = {},
  more: readonly TreeEntry[] = [],
): Made {
  const path = scratchDirectory();
  const configuration = { "/etc/ld.so.conf": text("/opt/a\n") };
  writeTree(path, [...entriesOf({ ...configuration, ...files }), ...more]);
  return again(path, request, options);
}

/** Updates a root that was made before. */
export function again(path: string, request: Partial<ProfileRequest> = {}, options: Partial<UpdateOptions> = {}): Made {
  const profile = profileFor({ glibc: "2.36", distribution: "debian", architecture: "x86-64", ...request });
  const warnings: string[] = [];
  const debug: string[] = [];
  const log = {
    debugging: true,
    debug: (line: string) => debug.push(line),
    warn: (line: string) => warnings.push(line),
  };
  using root = KernelRoot.open(path);
  const result = update(root, profile, { links: true, ...options, log });
  const links = result.links.map(
    ({ path: link, target, change }) => `${change} ${link}${target === "" ? "" : ` -> ${target}`}`,
  );
  return { path, profile, entries: shown(result.bytes), links, warnings, debug, changed: result.changed };
}

function shown(bytes: Uint8Array): string[] {
  return readCache(bytes).entries.map(({ key, value, flags, osVersion, hwcapLow, hwcapHigh, hwcaps, isa }) => {
    const facts = [
      flags === 0x303 ? "" : ` flags ${flags.toString(16)}`,
      osVersion === 0 ? "" : ` os ${osVersion.toString(16)}`,
      hwcapLow === 0 && hwcapHigh === 0
        ? ""
        : ` hwcap ${(hwcapHigh >>> 0).toString(16)}:${(hwcapLow >>> 0).toString(16)}`,
      hwcaps === undefined ? "" : ` hwcaps ${hwcaps}, level ${isa}`,
    ];
    return `${key} => ${value}${facts.join("")}`;
  });
}

/** The target of a link in the root. */
export const linkIn = (made: Made, path: string): string => readlinkSync(join(made.path, path));
