import type { Skip } from "../../elf/skip.ts";
import { legacyBitsOf } from "../../ldcache/describe.ts";
import type { ConfigurationObserver, Origin } from "../../ldconfig/configuration.ts";
import type { ManualLinkObserver } from "../../ldconfig/manual-link.ts";
import { isLoader } from "../../ldconfig/links.ts";
import type { Outcome } from "../../ldconfig/observer.ts";
import { minorOf, type Profile } from "../../ldconfig/profile.ts";
import type { Offer } from "../../ldconfig/scan.ts";
import type { Folder } from "../../ldconfig/search-path.ts";
import type { Log } from "../../logger.ts";
import { EISDIR, describeErrno } from "../../kernel/errno.ts";
import { writeError, writeOutput } from "../output.ts";
import { shownAt } from "../shown.ts";
import { terminalOf } from "../terminal.ts";

/** An error number as C libraries word it: `No such file or directory`. */
export function errorText(result: number): string {
  const text = describeErrno(result).replace(/ \([A-Z0-9]+\)$/, "");
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Lines on stderr that begin with the program's name, and lines on stdout; for a terminal, names are made printable. */
export class Messages implements Log {
  readonly debugging = false;
  readonly #name: string;
  readonly #output = terminalOf(1);
  readonly #errors = terminalOf(2);

  constructor(name: string) {
    this.#name = name;
  }

  debug(): void {}

  warn(message: string): void {
    writeError(`${shownAt(this.#errors, `${this.#name}: ${message}`)}\n`);
  }

  /** A second line of a message. */
  more(line: string): void {
    writeError(`${shownAt(this.#errors, line)}\n`);
  }

  print(lines: readonly string[]): void {
    writeOutput(lines.map((line) => `${shownAt(this.#output, line)}\n`).join(""));
  }
}

/** Debuggers' scripts beside a library: since 2.22, and since 2.40. */
const GDB_SCRIPT = /-gdb\.py$/;
const GDB_SCRIPT_2_40 = /-gdb\.(?:py|gdb|scm)$/;

/** Tells of a run what ldconfig tells of it. */
export class Teller implements ManualLinkObserver, ConfigurationObserver {
  readonly #messages: Messages;
  readonly #verbose: boolean;
  readonly #profile: Profile;
  readonly #minor: number;

  constructor(messages: Messages, verbose: boolean, profile: Profile) {
    this.#messages = messages;
    this.#verbose = verbose;
    this.#profile = profile;
    this.#minor = minorOf(profile.glibc);
  }

  hwcapIgnored(origin: Origin): void {
    this.#messages.warn(`${describe(origin)}: hwcap directive ignored`);
  }

  unreadable(path: string, result: number): void {
    this.#messages.warn(`Warning: ignoring configuration file that cannot be opened: ${path}: ${errorText(result)}`);
  }

  missing(path: string, result: number): void {
    if (this.#verbose) this.#messages.warn(`Can't stat ${path}: ${errorText(result)}`);
  }

  repeated(path: string, origin: Origin, first: Origin): void {
    if (!this.#verbose) return;
    this.#messages.warn(`Path \`${path}' given more than once`);
    if (this.#minor >= 32) this.#messages.more(`(from ${describe(origin)} and ${describe(first)})`);
  }

  folder({ path, hwcaps, origin }: Folder, bits: bigint): void {
    if (!this.#verbose) return;
    const words = { hwcapLow: Number(bits & 0xffff_ffffn), hwcapHigh: Number(bits >> 32n) };
    const legacy = bits === 0n ? "" : ` (hwcap: ${legacyBitsOf(words)})`;
    const tag = hwcaps === undefined ? legacy : ` (hwcap: "${hwcaps}")`;
    this.#messages.print([`${path}:${tag}${this.#minor >= 32 ? ` (from ${describe(origin)})` : ""}`]);
  }

  skipped(path: string, why: Skip): void {
    const text = this.#textOf(path, why);
    if (text !== undefined) this.#messages.warn(text);
  }

  /** Undefined for what nothing is said of. */
  #textOf(path: string, { skip, machine }: Skip): string | undefined {
    if (skip === "empty") return `File ${path} is empty, not checked.`;
    if (skip === "too-small") return `File ${path} is too small, not checked.`;
    if (skip === "not-elf") {
      if ((this.#minor >= 40 ? GDB_SCRIPT_2_40 : GDB_SCRIPT).test(path)) return undefined;
      return `${path} is not an ELF file - it has the wrong magic bytes at the start.`;
    }
    if (skip === "truncated" || skip === "outside" || skip === "unreasonable") return `file ${path} is truncated`;
    if (skip !== "machine") return undefined;
    // Debian's ldconfig says so of foreign libraries when it is asked to only: multiarch systems have many.
    const isQuiet = this.#profile.keepsLoaderLinks && !this.#verbose;
    return isQuiet ? undefined : `${path} is for unknown machine ${machine ?? 0}.`;
  }

  unopened(path: string, result: number, isLink: boolean): void {
    if (result === -EISDIR) this.#messages.warn(`Cannot mmap file ${path}.`);
    else if (!isLink || !path.includes(".so")) this.#messages.warn(`Input file ${path} not found.`);
  }

  dangling(path: string, result: number): void {
    if (this.#verbose) this.#messages.warn(`Cannot stat ${path}: ${errorText(result)}`);
  }

  conflict({ path }: Folder, first: string, second: string): void {
    this.#messages.warn(`libraries ${first} and ${second} in directory ${path} have same soname but different type.`);
  }

  offered({ path, hwcaps }: Folder, { soname, name }: Offer, outcome: Outcome): void {
    if (outcome === "occupied") this.#messages.warn(`${path}/${soname} is not a symbolic link`);
    if (outcome === "failed") this.#messages.warn(`Can't link ${path}/${soname} to ${name}`);
    if (!this.#verbose) return;
    if (outcome === "kept" && hwcaps === undefined && this.#profile.keepsLoaderLinks && isLoader(soname)) {
      this.#messages.warn(`${path}/${name} is the dynamic linker, ignoring`);
    }
    const word = outcome === "changed" ? " (changed)" : outcome === "failed" ? " (SKIPPED)" : "";
    this.#messages.print([`\t${soname} -> ${name}${word}`]);
  }

  unseen(path: string, result: number): void {
    this.#messages.warn(`Cannot lstat ${path}: ${errorText(result)}`);
  }

  irregular(path: string): void {
    this.#messages.warn(`Ignored file ${path} since it is not a regular file.`);
  }

  sonameless(path: string): void {
    this.#messages.warn(`No link created since soname could not be found for ${path}`);
  }
}

function describe({ file, line }: Origin): string {
  return `${file}:${line}`;
}
