/**
 * The dynamic linker of a root, as far as it decides where libraries are looked for. Most of it stands in the program
 * itself as plain text: its version, its default folders, the cache that it reads, what `$LIB` means. So a linker that was
 * built with other paths (Nix, Guix) is understood as well. What the program does not tell is taken from the root's
 * profile (`ldconfig/detect.ts`).
 */
import { ARCHITECTURES, type Architecture } from "../ldconfig/architecture.ts";
import { detectProfile } from "../ldconfig/detect.ts";
import { minorOf, type Profile } from "../ldconfig/profile.ts";
import { readProgram } from "../ldconfig/program.ts";
import type { Log } from "../logger.ts";
import type { Root } from "../rootfs/root.ts";

export interface DynamicLinker {
  readonly kind: "glibc" | "musl";
  /** Its path in the root, as programs name it. */
  readonly path: string;
  readonly architecture: Architecture;
  /** For a person, one line: which one it is, and how that is known. */
  readonly description: string;
  /** The 36 of glibc 2.36. */
  readonly minor: number;
  readonly features: LinkerFeatures;
  /** The default folders; glibc's with a slash at their ends. */
  readonly systemFolders: readonly string[];
  /** What `$LIB` stands for. */
  readonly lib: string;
  readonly cachePath: string;
  readonly preloadPath: string;
  /** Flags that a cache entry must have, the best first. */
  readonly entryFlags: readonly number[];
}

/** What releases of glibc's dynamic linker do differently. */
export interface LinkerFeatures {
  /** `glibc-hwcaps` subfolders of every folder are searched: since 2.33, and in RHEL 8.4's 2.28. */
  readonly hwcapsFolders: boolean;
  /** `tls`, platform and capability subfolders are searched: until 2.36. */
  readonly legacyFolders: boolean;
  /** Cache entries with legacy capabilities are used: until 2.39. */
  readonly legacyEntries: boolean;
  /** Libraries whose ABI note names another kernel are passed over: until 2.35. */
  readonly abiNote: boolean;
  /** x86: libraries that need a better processor are refused: since 2.33. */
  readonly isa: boolean;
  /** The byte order of the cache is looked at. */
  readonly endianByte: boolean;
  /** Tokens without braces end at a slash: until 2.27. */
  readonly strictTokens: boolean;
}

/** Where programs have it, unless their interpreter says otherwise. */
export const USUAL_LINKERS: Readonly<Record<Architecture, string>> = {
  "x86-64": "/lib64/ld-linux-x86-64.so.2",
  x32: "/libx32/ld-linux-x32.so.2",
  i386: "/lib/ld-linux.so.2",
  aarch64: "/lib/ld-linux-aarch64.so.1",
  armhf: "/lib/ld-linux-armhf.so.3",
  armel: "/lib/ld-linux.so.3",
  ppc64le: "/lib64/ld64.so.2",
  ppc64: "/lib64/ld64.so.1",
  s390x: "/lib/ld64.so.1",
  riscv64: "/lib/ld-linux-riscv64-lp64d.so.1",
  loongarch64: "/lib64/ld-linux-loongarch-lp64d.so.1",
  mips64el: "/lib64/ld.so.1",
};

/** _DL_CACHE_DEFAULT_ID of each port, and what its `_dl_cache_check_flags` accepts besides. */
const ENTRY_FLAGS: Readonly<Record<Architecture, readonly number[]>> = {
  "x86-64": [0x303],
  x32: [0x803],
  i386: [3, 1],
  aarch64: [0xa03],
  armhf: [0x903, 3],
  armel: [0xb03, 3],
  ppc64le: [0x503],
  ppc64: [0x503],
  s390x: [0x403],
  riscv64: [0x1003],
  loongarch64: [0x1203],
  mips64el: [0x703],
};

const MUSL_NAME = /(?:^|\/)ld-musl-([A-Za-z0-9_-]{1,32})\.so\.1$/;

/** musl's names of architectures, where they differ from ours. */
const MUSL_ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  x86_64: "x86-64",
  powerpc64le: "ppc64le",
  powerpc64: "ppc64",
  arm: "armel",
};

/** What a person, or the object that asks, says about the dynamic linker. */
export interface LinkerRequest {
  /** PT_INTERP of the program. */
  readonly interpreter?: string | undefined;
  /** The program's architecture, or the one that is asked for. */
  readonly architecture?: Architecture | undefined;
}

/** Finds the dynamic linker of a root that a program of that interpreter and architecture starts with. */
export function findLinker(root: Root, request: LinkerRequest, log: Log): DynamicLinker {
  const { profile, libc, why } = detectProfile(root, log);
  const musl = muslPath(root, request.interpreter, libc);
  if (musl !== undefined) return muslLinker(musl, request.architecture ?? profile.architecture);
  const architecture = request.architecture ?? profile.architecture;
  const path = request.interpreter ?? USUAL_LINKERS[architecture];
  return glibcLinker(path, architecture, profile, why, textsOf(root, path));
}

function muslPath(root: Root, interpreter: string | undefined, libc: "glibc" | "musl" | "none"): string | undefined {
  if (interpreter !== undefined) return MUSL_NAME.test(interpreter) ? interpreter : undefined;
  if (libc !== "musl") return undefined;
  const directory = root.directory("/lib");
  if (typeof directory === "number") return undefined;
  using lib = directory;
  const name = lib.list(FOLDER_LIMIT).names.find((entry) => MUSL_NAME.test(entry));
  return name === undefined ? undefined : `/lib/${name}`;
}

const FOLDER_LIMIT = 100_000;

function muslLinker(path: string, architecture: Architecture): DynamicLinker {
  const name = MUSL_NAME.exec(path)?.[1] ?? "";
  // The folder above the linker's own: /lib/ld-musl-x86_64.so.1 belongs to the prefix "".
  const prefix = path.split("/").slice(0, -2).join("/");
  return {
    kind: "musl",
    path,
    architecture: MUSL_ARCHITECTURES[name] ?? architecture,
    description: "musl, which has no cache",
    minor: 0,
    features: {
      hwcapsFolders: false,
      legacyFolders: false,
      legacyEntries: false,
      abiNote: false,
      isa: false,
      endianByte: false,
      strictTokens: false,
    },
    systemFolders: ["/lib", "/usr/local/lib", "/usr/lib"],
    lib: "lib",
    cachePath: `${prefix}/etc/ld-musl-${name}.path`,
    preloadPath: "",
    entryFlags: [],
  };
}

function glibcLinker(
  path: string,
  architecture: Architecture,
  profile: Profile,
  why: string,
  texts: readonly string[] | undefined,
): DynamicLinker {
  const banner = BANNER.exec(texts?.find((text) => BANNER.test(text)) ?? "");
  const minor = minorOf(banner?.[2] ?? profile.glibc);
  const isProfiles = minor === minorOf(profile.glibc);
  const own = texts === undefined ? [] : foldersIn(texts);
  const systemFolders = own.length === 0 ? assumedFolders(architecture, profile) : own;
  const name = banner?.[1] === undefined ? `glibc 2.${minor}` : `glibc 2.${minor} (${banner[1]})`;
  return {
    kind: "glibc",
    path,
    architecture,
    description: texts === undefined ? `${name}, by what else is there: ${why}` : name,
    minor,
    features: {
      hwcapsFolders: minor >= 33 || (isProfiles && profile.features.hwcapsFolders),
      legacyFolders: minor <= 36,
      legacyEntries: minor <= 39,
      abiNote: minor <= 35,
      isa: minor >= 33,
      endianByte: minor >= 33 || (isProfiles && profile.features.endianByte),
      strictTokens: minor <= 27,
    },
    systemFolders,
    lib: tokenIn(texts) ?? assumedLib(systemFolders),
    cachePath: texts?.find((text) => CACHE.test(text)) ?? "/etc/ld.so.cache",
    preloadPath: texts?.find((text) => PRELOAD.test(text)) ?? "/etc/ld.so.preload",
    entryFlags: ENTRY_FLAGS[architecture],
  };
}

/** `ld.so (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.`, since glibc 2.33. */
const BANNER = /^ld\.so \(([^)\n]{1,100})\) [a-z]+ release version (2\.[0-9]{1,4})/;
const FOLDER = /^\/[\x21-\x7e]{1,250}\/$/;
const CACHE = /^\/[\x21-\x7e]{0,200}\/ld\.so\.cache$/;
const PRELOAD = /^\/[\x21-\x7e]{0,200}\/ld\.so\.preload$/;

/** The linker's constant strings; undefined when it is not there or no program. */
function textsOf(root: Root, path: string): string[] | undefined {
  const opened = root.open(path);
  if (typeof opened === "number") return undefined;
  using file = opened;
  const program = readProgram(file);
  return program === undefined ? undefined : [...program.windows].join("\0").split("\0");
}

/**
 * The default folders: neighbouring strings that end in a slash, the first of them with a `lib` in it. The program was read
 * in windows, at whose edge the list may be cut, and which overlap: the longest is whole.
 */
function foldersIn(texts: readonly string[]): string[] {
  let longest: string[] = [];
  for (let at = 0; at < texts.length; at += 1) {
    const first = texts[at] ?? "";
    if (!FOLDER.test(first) || !first.includes("/lib")) continue;
    let end = at;
    while (FOLDER.test(texts[end] ?? "")) end += 1;
    const found = texts.slice(at, end);
    if (found.join("").length > longest.join("").length) longest = found;
    at = end;
  }
  return longest;
}

/** What stands behind the token's own name. */
function tokenIn(texts: readonly string[] | undefined): string | undefined {
  const value = texts?.[texts.indexOf("LIB") + 1];
  return value !== undefined && texts?.includes("LIB") === true && /^[\x21-\x7e]{1,100}$/.test(value)
    ? value
    : undefined;
}

/** A Debian-like ldconfig has the linker's folders for its own; others go by slibdir and libdir. */
function assumedFolders(architecture: Architecture, profile: Profile): string[] {
  const { triplet, libraryDirectories } = ARCHITECTURES[architecture];
  const isMultiarch = profile.systemDirectories.some((folder) => folder.endsWith("-linux-gnu"));
  const folders = isMultiarch ? [`/lib/${triplet}`, `/usr/lib/${triplet}`, "/lib", "/usr/lib"] : libraryDirectories;
  return folders.map((folder) => `${folder}/`);
}

/** glibc's `$LIB` is its slibdir without the leading slash, in Debian's build, or the last component of it. */
function assumedLib([first = "/lib/"]: readonly string[]): string {
  const at = first.lastIndexOf("/lib");
  return at < 0 ? "lib" : first.slice(at + 1, -1);
}
