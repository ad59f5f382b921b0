/** Command lines of ldconfig, each tried in two copies of a tree that has something of everything: by ldconfig, and by us. */
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { forgeElf, type ForgedElf, MACHINE } from "../support/elf-forge.ts";
import { executablePath } from "../support/executable.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

/** `ROOT` stands for the tree, in which it is run. */
export const commandLines: readonly string[] = [
  "-r ROOT",
  "-r ROOT -v",
  "-r ROOT -X",
  "-r ROOT -v -X",
  "-r ROOT -N -v",
  "-r ROOT -nv opt/a rel",
  "-r ROOT -n /opt/a /opt/b",
  "-vr ROOT /opt/b /nope /opt/b/",
  "-r ROOT -i -v",
  "-r ROOT --ignore-aux-cache",
  "-r ROOT -p",
  "-r ROOT -C /x -v",
  "-r ROOT -C x",
  "-r ROOT -C /no/x",
  "-r ROOT -f /etc/none -v",
  "-r ROOT -f /opt -v",
  "-r ROOT -f etc/other.conf -v",
  "-r ROOT -f etc/odd.conf -v",
  "-r ROOT -f etc/odd.conf -v -X",
  "-r ROOT -c old -f /etc/plain.conf",
  "-r ROOT -c compat -f /etc/plain.conf",
  "-r ROOT --format=new -f /etc/plain.conf",
  "-r ROOT -cbogus",
  "-r ROOT foo",
  "-r ROOT -p foo",
  "-r ROOT -l opt/a/libone.so.1.2 -v",
  "-r ROOT -l nope opt/a/libtext.so opt/a/libempty.so opt/a/libarm.so.1 /opt . opt/a/libdang.so",
  "-r ROOT -lv opt/a/libtwo.so.1.10 opt/a/libthree.so.1.5 opt/a/libslash.so.1 /opt/b/libnoname.so.1.2",
  "-r ROOT -l opt/a/ opt/c/libdot.so -v",
  "-r ROOT -lXv opt/a/libone.so.1.2 opt/a/libtwo.so.1.10 opt/a/libthree.so.1.5 opt/a/libslash.so.1",
  "-r ROOT -l",
  "-r ROOT/missing",
  "-r ROOT/missing -p",
  "-r ROOT/missing -N",
  "-r ROOT/etc/ld.so.conf",
  "-r ROOT/ -v -- /opt/b -p",
  "-n opt/a -v",
  "-nvX opt/b rel opt/missing",
  "-lv opt/a/libone.so.1.2 opt/b/../a/libtwo.so.1.10",
  "-p -C ROOT/etc/new.cache",
  "--print-cache -C etc/new.cache",
  "-p -C etc/empty.cache",
  "-p -C etc/text.cache",
  "-p -C etc/short.cache",
  "-p -C etc/order.cache",
  "-p -C etc/invalid.cache",
  "-p -C etc/unknown.cache",
  "-p -C etc/extension.cache",
  "-p -C etc/old.cache",
  "-p -C etc/none.cache",
  "-p -C opt",
  "-Z",
  "-Z --help",
  "--bogus",
  "--bogus=3",
  "-r",
  "-C",
  "--format",
  "--verbose=3",
  "--ver",
  "--p",
  "--no",
  "foo",
  "-",
  "-v -- -p",
];

/** Printed by us in our own words; only the exit status is the same. */
export const ownWords: readonly string[] = ["--help", "-?", "--usage", "--version", "-V", "--help --bogus"];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  /** Lines in bytewise order, without empty ones: ldconfig writes while it reads its configuration. */
  readonly stderr: readonly string[];
}

export interface Compared {
  readonly ours: Outcome;
  readonly theirs: Outcome;
  /** What differs between the two trees afterwards. */
  readonly trees: readonly string[];
}

/** Runs a command line in two new trees below `base`. `ldconfig` is the real one. */
export function compare(ldconfig: string, base: string, commandLine: string): Compared {
  const [our, their] = [join(base, "ours"), join(base, "theirs")];
  for (const root of [our, their]) makeTree(root, ldconfig);
  const theirs = run(ldconfig, their, commandLine);
  const ours = run(executablePath, our, commandLine);
  const options = { without: ["/var"], contentBelow: ["/etc", "/x"] };
  return { ours, theirs, trees: compareListings(listTree(their, options), listTree(our, options)) };
}

function run(executable: string, root: string, commandLine: string): Outcome {
  const words = commandLine.split(" ").map((word) => word.replace("ROOT", root));
  const { status, stdout, stderr } = spawnSync(executable, words, {
    argv0: "/sbin/ldconfig",
    cwd: root,
    env: {},
    encoding: "latin1",
  });
  const told = (text: string): string => text.replaceAll(root, "ROOT");
  const lines = told(stderr)
    .split("\n")
    .filter((line) => line !== "");
  return { status, stdout: told(stdout), stderr: lines.sort() };
}

function makeTree(root: string, ldconfig: string): void {
  rmSync(root, { recursive: true, force: true });
  const [a, b] = [join(root, "opt/a"), join(root, "opt/b")];
  const folders = ["etc", "lib", "sbin", "opt/b", "opt/a/glibc-hwcaps/x86-64-v3", "opt/a/haswell"];
  for (const folder of [...folders, "opt/c/tls", "opt/c/glibc-hwcaps/x86-64-v3"]) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  copyFileSync(ldconfig, join(root, "sbin/ldconfig"));
  const elf = (path: string, sonames: readonly string[], more: Partial<ForgedElf> = {}): void =>
    writeFileSync(
      path,
      forgeElf({ bits: 64, machine: MACHINE.EM_X86_64, sonames: [...sonames], needed: ["libc.so.6"], ...more }),
    );
  elf(`${a}/libone.so.1.2`, ["libone.so.1"]);
  for (const version of ["1.2", "1.10"]) elf(`${a}/libtwo.so.${version}`, ["libtwo.so.1"]);
  symlinkSync("libtwo.so.1.2", `${a}/libtwo.so.1`);
  symlinkSync("libtwo.so.1", `${a}/libtwo.so`);
  for (const name of ["libthree.so.1", "libthree.so.1.5"]) elf(`${a}/${name}`, ["libthree.so.1"]);
  mkdirSync(`${a}/libfour.so.1`);
  elf(`${a}/libfour.so.1.5`, ["libfour.so.1"]);
  symlinkSync("nowhere", `${a}/libstale.so.3`);
  symlinkSync("nowhere", `${a}/libdang.so`);
  symlinkSync("../b", `${a}/libdir.so`);
  elf(`${a}/libslash.so.1`, ["sub/libslash.so.1"]);
  elf(`${a}/libarm.so.1`, ["libarm.so.1"], { machine: MACHINE.EM_AARCH64 });
  elf(`${a}/libtrunc.so`, ["libtrunc.so"], { truncate: 70 });
  elf(`${a}/glibc-hwcaps/x86-64-v3/libone.so.1.2`, ["libone.so.1"]);
  elf(`${a}/haswell/libone.so.1.2`, ["libone.so.1"]);
  elf(`${b}/libone.so.1.2`, ["libone.so.1"]);
  symlinkSync("libone.so.1.2", `${b}/libone.so.1`);
  elf(`${b}/libnoname.so.1.2`, []);
  makeOdd(`${root}/opt/c`, elf);
  const texts: Readonly<Record<string, string>> = {
    "opt/a/libtext.so": "x".repeat(70),
    "opt/a/libgroup.so": "GROUP".padEnd(70),
    "opt/a/libempty.so": "",
    "opt/a/libsmall.so": "\x7fE",
    "opt/a/libtiny.so": "INPUT(-lx)",
    "opt/a/libone.so.1-gdb.py": "#".repeat(70),
    "etc/ld.so.conf":
      "include ld.so.conf.d/*.conf\n/opt/a\n/opt/b\n/opt/a/../a\n/opt/missing\nhwcap 0 foo\n/opt/b=libc9\nrel\n",
    "etc/other.conf": "# nothing but /opt/b\n/opt/b\n",
    "etc/plain.conf": "/opt/b\n",
    "etc/odd.conf": "/opt/c/tls\n/opt/c\n/opt/c/.\n",
    "etc/empty.cache": "",
    "etc/text.cache": "this is no cache at all, whatever its name says\n",
  };
  for (const [path, text] of Object.entries(texts)) writeFileSync(join(root, path), text, "latin1");
  makeCaches(root, ldconfig);
}

/** What hardly anybody has: sonames that are folders, links to themselves, libraries that say that they are the loader. */
function makeOdd(c: string, elf: (path: string, sonames: readonly string[]) => void): void {
  elf(`${c}/libdot.so`, ["."]);
  elf(`${c}/libnothing.so`, [""]);
  elf(`${c}/libloader.so`, ["ld.so.1"]);
  symlinkSync("libloader.so", `${c}/ld.so.1`);
  symlinkSync("libself.so.1", `${c}/libself.so.1`);
  elf(`${c}/tls/libtls.so.1.2`, ["libtls.so.1"]);
  elf(`${c}/tls/libloader.so`, ["ld-linux.so.2"]);
  elf(`${c}/glibc-hwcaps/x86-64-v3/libloader.so`, ["ld.so.1"]);
}

/** A cache as ldconfig makes it, and broken ones. */
function makeCaches(root: string, ldconfig: string): void {
  const made = (format: string): Buffer => {
    const path = `/etc/${format}.cache`;
    spawnSync(ldconfig, ["-r", root, "-X", "-f", "/etc/plain.conf", "-c", format, "-C", path]);
    return readFileSync(join(root, path));
  };
  const cache = made("new");
  made("old");
  const changed = (name: string, change: (bytes: Buffer) => Buffer): void =>
    writeFileSync(join(root, `etc/${name}.cache`), change(Buffer.from(cache)));
  const set = (at: number, value: number) => (bytes: Buffer) => {
    bytes[at] = value;
    return bytes;
  };
  changed("short", (bytes) => bytes.subarray(0, 40));
  changed("order", set(28, 3));
  changed("invalid", set(28, 1));
  changed("unknown", set(28, 4));
  changed("extension", set(cache.readUInt32LE(32), 0));
  rmSync(join(root, "var"), { recursive: true, force: true });
}
