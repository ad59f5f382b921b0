import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { layCanary, watchTree } from "./canary.ts";
import { forgeElf, MACHINE } from "./elf-forge.ts";
import { executablePath, runHook, type RunResult, stateFor } from "./executable.ts";
import { scratchDirectory } from "./scratch.ts";

/** The directory of the root's architecture that `update-ldcache` is asked to search. */
export const driverFolder = "/usr/lib/x86_64-linux-gnu";

const mknodat = process.arch === "x64" ? 259 : 33;
const specialTypes = { fifo: 0o010000, character: 0o020000, block: 0o060000, socket: 0o140000 } as const;

export interface AttackOptions {
  /** Shell commands that run first, in a mount namespace of their own; `$ROOT` and `$OUTSIDE` are set. */
  readonly mounts?: string;
  /** Behind the hook's own. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The state on stdin; the one with this root unless given. */
  readonly stdin?: string;
  /** Bytes of address space that the process may have at most. */
  readonly addressSpace?: number;
  /** Another file to run than the executable. */
  readonly executable?: string;
}

export interface AttackResult extends RunResult {
  /** Lines on stderr that tell of an error. */
  readonly errors: readonly string[];
  readonly warnings: readonly string[];
}

/** Milliseconds after which an attack has made the hook hang. */
const patience = 10_000;

/** What a line for a person may hold: no control characters, so that no name of an image reaches a terminal as it is. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\ufffd]/;

/**
 * A root filesystem as an attacker's image would bring it, in a bundle, and beside it what must not be touched. It looks
 * like Debian 12, so that `update-ldcache` has all its work to do.
 */
export class HostileRoot {
  /** Holds all of it. */
  readonly top: string = scratchDirectory();
  readonly bundle: string = join(this.top, "bundle");
  /** The root filesystem. */
  readonly path: string = join(this.bundle, "rootfs");
  /** What an attack is after. */
  readonly outside: string = join(this.top, "outside");

  constructor() {
    // Faster than Node where there are many files, and not held up by paths that are too long.
    onTestFinished(() => void execFileSync("rm", ["-rf", "--one-file-system", this.top]));
    mkdirSync(this.path, { recursive: true });
    mkdirSync(this.outside);
    layCanary(this.outside);
    writeFileSync(join(this.bundle, "config.json"), JSON.stringify({ ociVersion: "1.0.2", root: { path: "rootfs" } }));
    for (const folder of ["etc/ld.so.conf.d", `.${driverFolder}`, "usr/lib64", "tmp", "proc", "sys", "dev", "run"]) {
      this.folder(folder);
    }
    for (const name of ["lib", "lib64"]) this.link(name, `usr/${name}`);
    this.file("etc/debian_version", "12.11\n");
    this.file("etc/os-release", 'ID=debian\nVERSION_ID="12"\n');
    this.file("etc/ld.so.conf", "include /etc/ld.so.conf.d/*.conf\n");
    this.file("etc/ld.so.conf.d/image.conf", "/usr/local/lib\n");
    this.library(`${driverFolder}/libc.so.6`, "libc.so.6", [glibcBanner]);
    this.library(`${driverFolder}/libcuda.so.580.1`, "libcuda.so.1");
  }

  /** The host path of a path in the root. Nothing that was put there may be a link on the way. */
  at(path: string): string {
    return join(this.path, path);
  }

  folder(path: string): this {
    mkdirSync(this.at(path), { recursive: true });
    return this;
  }

  file(path: string, content: string | Uint8Array = ""): this {
    writeFileSync(this.at(path), content);
    return this;
  }

  link(path: string, target: string): this {
    symlinkSync(target, this.at(path));
    return this;
  }

  /** A FIFO, socket or device; `device` is major and minor number. */
  special(path: string, type: keyof typeof specialTypes, [major, minor]: readonly [number, number] = [0, 0]): this {
    const number = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    const result = syscall(mknodat, -100, this.at(path), specialTypes[type] | 0o644, number);
    if (result !== 0) throw new Error(`mknodat ${path}: ${result}`);
    return this;
  }

  library(path: string, soname: string, needed: readonly string[] = []): this {
    return this.file(path, forgeElf({ machine: MACHINE.EM_X86_64, sonames: [soname], needed }));
  }

  remove(path: string): this {
    execFileSync("rm", ["-rf", "--one-file-system", this.at(path)]);
    return this;
  }

  /** Puts a link in the place of whatever is there. */
  replaceByLink(path: string, target: string): this {
    return this.remove(path).link(path, target);
  }

  /** A relative target that climbs above the root of the host and comes down at `path` again. */
  climbing(path: string): string {
    return `${"../".repeat(40)}${path.slice(1)}`;
  }

  /**
   * Runs the hook on this root and sees to what always holds: it ends in time, by itself; nothing outside of the root
   * has changed; no temporary file is left in it; stderr has whole, printable lines, and a failure says why in at least
   * one of them.
   */
  attack(args: readonly string[], options: AttackOptions = {}): AttackResult {
    const changes = watchTree(this.top, ["/bundle/rootfs"]);
    const result = this.#run(args, options);
    assert(!result.timedOut, `hangs: ${args.join(" ")}`);
    assert.equal(result.signal, null, result.stderr);
    assert.deepEqual(changes(), [], "outside of the root");
    assert.doesNotMatch(result.stderr, unprintable);
    const lines = result.stderr.split("\n").slice(0, -1);
    for (const line of lines) assert.match(line, /^cdi-hook: (?:debug|info|warning|error): ./);
    const errors = lines.filter((line) => line.startsWith("cdi-hook: error: "));
    assert.equal(errors.length > 0, result.status !== 0, result.stderr);
    assert.doesNotMatch(result.stderr, /internal error/);
    return { ...result, errors, warnings: lines.filter((line) => line.startsWith("cdi-hook: warning: ")) };
  }

  #run(args: readonly string[], options: AttackOptions): RunResult {
    const { mounts, addressSpace, env = {}, cwd, executable = executablePath } = options;
    const stdin = options.stdin ?? stateFor(this.path);
    const limit = addressSpace === undefined ? [] : ["/usr/bin/prlimit", `--as=${addressSpace}`];
    const base = { stdin, timeout: patience, env, ...(cwd === undefined ? {} : { cwd }) };
    if (mounts === undefined) {
      const [program = executable, ...words] = [...limit, executable, ...args];
      return runHook(words, { ...base, executable: program });
    }
    const script = `set -e; PATH=/usr/sbin:/usr/bin:/sbin:/bin; ${mounts}\nexec /usr/bin/env -i "$@"`;
    const namespace = ["--mount", "--propagation", "private", "/bin/sh", "-c", script, "sh"];
    return runHook([...namespace, ...limit, executable, ...args], {
      ...base,
      executable: "/usr/bin/unshare",
      env: { ROOT: this.path, OUTSIDE: this.outside, TOP: this.top },
    });
  }

  createSymlinks(links: readonly string[], options: AttackOptions = {}): AttackResult {
    return this.attack(
      ["create-symlinks", ...links.flatMap((link) => ["--link", link]), ...(options.flags ?? [])],
      options,
    );
  }

  updateLdcache(options: AttackOptions = {}, folders: readonly string[] = [driverFolder]): AttackResult {
    const words = folders.flatMap((folder) => ["--folder", folder]);
    return this.attack(["update-ldcache", ...words, ...(options.flags ?? [])], options);
  }

  /** The names in a directory of the root, as byte strings. */
  names(path: string): string[] {
    return readdirSync(Buffer.from(this.at(path), "latin1"), { encoding: "latin1" }).sort();
  }

  /** The target of a link in the root, or the type of what is there instead. */
  linkAt(path: string): string {
    const facts = lstatSync(this.at(path), { throwIfNoEntry: false });
    if (facts === undefined) return "(missing)";
    return facts.isSymbolicLink() ? readlinkSync(this.at(path)) : "(no link)";
  }

  /** Sees to it that the cache in the root is a file of its own and names libcuda, and the link that belongs to it. */
  expectCache(etc = "etc"): void {
    const path = this.at(`${etc}/ld.so.cache`);
    const facts = lstatSync(path);
    assert(facts.isFile() && facts.nlink === 1, "the cache is a file of its own");
    assert.equal(facts.mode & 0o7777, 0o644);
    assert(readFileSync(path).includes("/x86_64-linux-gnu/libcuda.so.1\0"), "the cache names libcuda.so.1");
    assert.equal(this.linkAt(`${driverFolder}/libcuda.so.1`), "libcuda.so.580.1");
  }

  /** No temporary file is left anywhere in the root. */
  expectNoLitter(): void {
    const names = execFileSync("find", [this.path, "-xdev", "-name", ".cdi-hook-*"], { encoding: "latin1" });
    assert.equal(names, "");
  }
}

/** As it stands in Debian 12's libc.so.6. */
const glibcBanner = "GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n";
