/**
 * ld.so.conf: one folder, `include` or `hwcap` line each, `#` starts a comment (ldconfig(8); ldconfig.c's parse_conf). The
 * files are the image's own: whatever they ask for is bounded, and what is left out is told in a warning.
 */
import { toText } from "../bytes/text.ts";
import type { Log } from "../logger.ts";
import { EISDIR, ELOOP, ENOENT, describeErrno } from "../rootfs/constants.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { ConfigurationFolders } from "./configuration-folders.ts";
import { glob, type GlobBudget } from "./glob.ts";
import { isTrouble } from "./trouble.ts";

/** Files read at most, all included ones together. */
const FILE_LIMIT = 10_000;
/** Bytes read at most, all files together. */
const BYTE_LIMIT = 4 << 20;
/** Patterns of include lines at most, all files together. */
const PATTERN_LIMIT = 10_000;
/** Includes within includes. */
const DEPTH_LIMIT = 64;
/** Folders named at most. */
const FOLDER_LIMIT = 4096;
/** Names that include patterns may look at, all together. */
const NAME_LIMIT = 500_000;
/** Bytes that they may compare, all together. */
const COMPARED_LIMIT = 10_000_000;

/** Where a folder was named, for messages: `<cmdline>` and `<builtin>` for what no file names. */
export interface Origin {
  readonly file: string;
  /** From 1; 0 for what no line names. */
  readonly line: number;
}

/** The library type that `DIR=TYPE` asserts (glibc <= 2.36): 0 libc4, 2 libc5, 3 libc6; -1 none. */
export type LibraryType = -1 | 0 | 2 | 3;

/** A folder as it was written: cache entries use this text. Not empty, no trailing slash or blank. */
export interface ConfiguredFolder {
  readonly path: string;
  readonly type: LibraryType;
  readonly origin: Origin;
}

export interface Configuration {
  readonly folders: readonly ConfiguredFolder[];
  /** Legacy capability folders by `hwcap N NAME` lines: name to N; `tls` has the last number. */
  readonly hwcaps: ReadonlyMap<string, number>;
}

export interface ConfigurationRules {
  /** `DIR=TYPE` is understood; later, `=` is a byte like any other. */
  readonly libraryTypes: boolean;
  /** `hwcap` lines count; later, they are ignored. */
  readonly hwcapLines: boolean;
  /** How many capability numbers there are for `hwcap` lines. */
  readonly hwcapCount: number;
}

const TYPES: ReadonlyMap<string, LibraryType> = new Map([
  ["libc4", 0],
  ["libc5", 2],
  ["libc6", 3],
  ["glibc2", 3],
]);

/** Somebody who is told what `readConfiguration` leaves out without a warning. */
export interface ConfigurationObserver {
  /** A `hwcap` line does not count any more. */
  hwcapIgnored(origin: Origin): void;
  /** A file is there and cannot be opened; -errno. */
  unreadable(path: string, result: number): void;
}

/** A configuration file as it was read. */
export interface KeptFile {
  readonly identity: Identity;
  readonly text: string;
}

/**
 * Reads `path` and what it includes, inside the root; relative paths start at `from`. A missing file is an empty one.
 *
 * @param kept files by their paths, which are not read again; what is read is added, less what links lead to
 */
export function readConfiguration(
  root: Root,
  path: string,
  rules: ConfigurationRules,
  log: Log,
  from = "/",
  observer?: ConfigurationObserver,
  kept?: Map<string, KeptFile>,
): Configuration {
  const folders = new ConfigurationFolders(root, from, log);
  const reader = new ConfigurationReader(folders, rules, log, observer, kept);
  try {
    reader.file(path, 0);
  } finally {
    folders.close();
  }
  return { folders: reader.folders, hwcaps: reader.hwcaps };
}

/**
 * A folder as a line or the command line names it, or undefined when nothing is left of it. A type that is not known is
 * warned of and ignored.
 */
export function configuredFolder(
  text: string,
  origin: Origin,
  libraryTypes: boolean,
  log: Log,
): ConfiguredFolder | undefined {
  let path = text;
  let type: LibraryType = -1;
  const equals = libraryTypes ? text.indexOf("=") : -1;
  if (equals !== -1) {
    const known = TYPES.get(text.slice(equals + 1));
    if (known === undefined)
      log.warn(`${origin.file}:${origin.line}: ${text.slice(equals + 1)} is not a known library type`);
    type = known ?? -1;
    path = text.slice(0, equals);
  }
  path = trimEnd(trimEnd(path, BLANKS), "/");
  return path === "" ? undefined : { path, type, origin };
}

/** What C's isspace() takes for white space. */
const BLANKS = " \t\n\v\f\r";

function trimEnd(text: string, bytes: string): string {
  let end = text.length;
  while (end > 0 && bytes.includes(text[end - 1] ?? "?")) end -= 1;
  return text.slice(0, end);
}

function trimStart(text: string): string {
  let start = 0;
  while (start < text.length && BLANKS.includes(text[start] ?? "?")) start += 1;
  return text.slice(start);
}

class ConfigurationReader {
  readonly folders: ConfiguredFolder[] = [];
  readonly hwcaps: Map<string, number> = new Map();
  readonly #opened: ConfigurationFolders;
  readonly #rules: ConfigurationRules;
  readonly #log: Log;
  readonly #observer: ConfigurationObserver | undefined;
  readonly #kept: Map<string, KeptFile> | undefined;
  /** Identities of the files that are being read, outermost first. */
  readonly #active: Identity[] = [];
  readonly #budget: GlobBudget = { names: NAME_LIMIT, bytes: COMPARED_LIMIT };
  #files = 0;
  #patterns = 0;
  #bytes = 0;
  #foldersCut = false;
  #filesCut = false;

  constructor(
    opened: ConfigurationFolders,
    rules: ConfigurationRules,
    log: Log,
    observer: ConfigurationObserver | undefined,
    kept: Map<string, KeptFile> | undefined,
  ) {
    this.#observer = observer;
    this.#kept = kept;
    this.#opened = opened;
    this.#rules = rules;
    this.#log = log;
    if (rules.hwcapLines) this.hwcaps.set("tls", rules.hwcapCount - 1);
  }

  file(path: string, depth: number): void {
    if (this.#files >= FILE_LIMIT || this.#bytes >= BYTE_LIMIT || this.#budget.names <= 0) return this.#tooMuch(path);
    this.#files += 1;
    const kept = this.#kept?.get(path);
    if (kept !== undefined) return this.#read(path, kept, depth);
    let opened = this.#opened.file(path);
    const isLink = opened === -ELOOP;
    if (isLink) opened = this.#opened.linkedFile(path);
    if (typeof opened === "number") {
      if (opened !== -ENOENT && opened !== -EISDIR) this.#observer?.unreadable(path, opened);
      if (isTrouble(opened)) this.#log.warn(`${path}: left out: ${describeErrno(opened)}`);
      return;
    }
    const { identity } = opened;
    let bytes: Uint8Array | number;
    try {
      if (!this.#mayRead(path, identity, depth)) return;
      bytes = opened.readAll(BYTE_LIMIT - this.#bytes);
    } finally {
      opened.close();
    }
    if (typeof bytes === "number") {
      this.#log.warn(`${path}: ${describeErrno(bytes)}, ignored`);
      return;
    }
    const file = { identity, text: toText(bytes) };
    if (!isLink) this.#kept?.set(path, file);
    this.#lines(path, file, depth);
  }

  #read(path: string, file: KeptFile, depth: number): void {
    if (this.#mayRead(path, file.identity, depth)) this.#lines(path, file, depth);
  }

  #mayRead(path: string, identity: Identity, depth: number): boolean {
    if (this.#active.includes(identity)) this.#log.warn(`${path}: includes itself, ignored`);
    else if (depth > DEPTH_LIMIT) this.#log.warn(`${path}: included more than ${DEPTH_LIMIT} levels deep, ignored`);
    else return true;
    return false;
  }

  #tooMuch(path: string): void {
    if (!this.#filesCut) this.#log.warn(`${path}: too much configuration, the rest is ignored`);
    this.#filesCut = true;
  }

  #lines(file: string, { identity, text }: KeptFile, depth: number): void {
    this.#bytes += text.length;
    this.#active.push(identity);
    let number = 0;
    for (let at = 0; at < text.length;) {
      const newline = text.indexOf("\n", at);
      const end = newline === -1 ? text.length : newline;
      const line = trimStart(uncommented(text.slice(at, end)));
      number += 1;
      at = end + 1;
      if (line === "") continue;
      if (isKeyword(line, "include")) this.#includes(file, line.slice(8), depth);
      else if (isKeyword(line.slice(0, 6).toLowerCase(), "hwcap")) this.#hwcap(line.slice(6), { file, line: number });
      else this.#folder(line, { file, line: number });
    }
    this.#active.pop();
  }

  #includes(file: string, patterns: string, depth: number): void {
    for (const pattern of patterns.replaceAll("\t", " ").split(" ")) {
      if (pattern !== "") this.#include(file, pattern, depth);
    }
  }

  #include(file: string, pattern: string, depth: number): void {
    this.#patterns += 1;
    if (this.#patterns > PATTERN_LIMIT) return this.#tooMuch(file);
    const slash = file.lastIndexOf("/");
    const absolute = pattern.startsWith("/") || slash === -1 ? pattern : `${file.slice(0, slash)}/${pattern}`;
    for (const path of glob(this.#opened, absolute, this.#budget)) this.file(path, depth + 1);
    if (this.#budget.names <= 0) this.#tooMuch(file);
  }

  #folder(line: string, origin: Origin): void {
    if (this.folders.length >= FOLDER_LIMIT) {
      if (!this.#foldersCut) this.#log.warn(`${origin.file}:${origin.line}: more than ${FOLDER_LIMIT} folders`);
      this.#foldersCut = true;
      return;
    }
    const folder = configuredFolder(line, origin, this.#rules.libraryTypes, this.#log);
    if (folder !== undefined) this.folders.push(folder);
  }

  /** `N NAME`. What makes ldconfig give up, makes us ignore the line: a container should start all the same. */
  #hwcap(text: string, origin: Origin): void {
    const ignore = (reason: string): void =>
      this.#log.warn(`${origin.file}:${origin.line}: hwcap line ignored: ${reason}`);
    if (!this.#rules.hwcapLines) {
      if (this.#log.debugging) this.#log.debug(`${origin.file}:${origin.line}: hwcap line ignored`);
      this.#observer?.hwcapIgnored(origin);
      return;
    }
    const number = /^[ \t\n\v\f\r]*\+?(0[xX][0-9a-fA-F]+|[0-9]+)(?=[ \t\n\v\f\r])/.exec(text);
    const words =
      number === null
        ? []
        : text
            .slice(number[0].length)
            .split(/[ \t]/)
            .filter((word) => word !== "");
    const name = words[0];
    if (number === null || name === undefined || words.length > 1) return ignore("not a number and a name");
    const digits = number[1] ?? "";
    const index = /^0[0-9]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
    if (!(index < this.#rules.hwcapCount)) return ignore(`${digits} is not below ${this.#rules.hwcapCount}`);
    const other = this.hwcaps.get(name);
    if (other !== undefined && other !== index) return ignore(`${name} has number ${other} already`);
    for (const [taken, itsIndex] of this.hwcaps) {
      if (itsIndex === index && taken !== name) return ignore(`number ${index} is ${taken} already`);
    }
    this.hwcaps.set(name, index);
  }
}

/** Whether a line begins with a word and a blank. */
function isKeyword(line: string, word: string): boolean {
  const blank = line[word.length];
  return (blank === " " || blank === "\t") && line.startsWith(word);
}

/** A line without its comment; a NUL ends it as well. */
function uncommented(line: string): string {
  const nul = line.indexOf("\0");
  const text = nul === -1 ? line : line.slice(0, nul);
  const hash = text.indexOf("#");
  return hash === -1 ? text : text.slice(0, hash);
}
