/**
 * A small root with a real dynamic linker, and in it programs and libraries whose search paths are hard: RPATH, RUNPATH with
 * tokens, glibc-hwcaps and legacy subfolders, links, files of other machines, NODEFLIB. The same seed gives the same tree.
 */
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { forgeElf, MACHINE } from "../support/elf-forge.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const triplet = "x86_64-linux-gnu";
const names = Array.from({ length: 14 }, (_, number) => `lib${number}.so.1`);
/** The last two are in the cache's configuration. */
const folders = [
  "/opt/a",
  "/opt/b",
  `/opt/lib/${triplet}`,
  "/rel",
  `/usr/lib/${triplet}`,
  "/usr/lib",
  "/opt/c",
  "/opt/d",
];
const configured = folders.slice(-2);
const subfolders = [
  "glibc-hwcaps/x86-64-v2",
  "glibc-hwcaps/x86-64-v3",
  "glibc-hwcaps/x86-64-v4",
  "glibc-hwcaps/power10",
  "tls",
  "x86_64",
  "tls/x86_64",
  "haswell",
];
const words = [
  "/opt/a",
  "/opt/b//",
  "/opt/c",
  "/opt/none",
  "$ORIGIN/../b",
  "${ORIGIN}",
  "/opt/$LIB",
  "/opt/${LIB}/",
  "/opt/$PLATFORM",
  "/opt/$ORIGINAL",
  "",
  "rel",
  "/opt/a/../b",
  `/usr/lib/${triplet}`,
];

export interface LoaderTree {
  readonly root: string;
  /** Paths inside the root. */
  readonly programs: readonly string[];
  /** Values of LD_LIBRARY_PATH and LD_PRELOAD to try. */
  readonly environments: readonly Readonly<Record<string, string>>[];
}

/** Takes the dynamic linker and what is needed to recognise it out of a Debian root. */
export function copyLinker(from: string, root: string): void {
  for (const path of [`usr/lib/${triplet}`, "usr/bin", "usr/sbin", "etc", "proc"])
    mkdirSync(join(root, path), { recursive: true });
  const isMerged = lstatSync(join(from, "lib")).isSymbolicLink();
  for (const name of ["lib", "lib64", "bin", "sbin"]) {
    if (isMerged) mkdirSync(join(root, "usr", name), { recursive: true });
    if (isMerged) symlinkSync(`usr/${name}`, join(root, name));
    else mkdirSync(join(root, name), { recursive: true });
  }
  mkdirSync(join(root, `lib/${triplet}`), { recursive: true });
  for (const name of readdirSync(join(from, `lib/${triplet}`))) {
    if (!/^(?:ld-|libc[.-])/.test(name)) continue;
    const path = join(from, `lib/${triplet}`, name);
    const copy = join(root, `lib/${triplet}`, name);
    if (lstatSync(path).isSymbolicLink()) symlinkSync(readlinkSync(path), copy);
    else copyFileSync(path, copy);
  }
  symlinkSync(readlinkSync(join(from, "lib64/ld-linux-x86-64.so.2")), join(root, "lib64/ld-linux-x86-64.so.2"));
  copyFileSync(realpathSync(join(from, "sbin/ldconfig")), join(root, "sbin/ldconfig"));
  copyFileSync(join(from, "etc/debian_version"), join(root, "etc/debian_version"));
}

const glibcLinker = "/lib64/ld-linux-x86-64.so.2";

/** musl's dynamic linker, from this machine's musl-tools. Undefined when it has none. */
export const muslLinker: string | undefined = ["/lib/ld-musl-x86_64.so.1"].find((path) => existsSync(path));

/**
 * Fills a root that has the dynamic linker of that name. `work`: an empty folder for what the linker of the compiler wants.
 * musl does not look at the machine of a library, so there are none of others for it.
 */
export function makeLoaderTree(root: string, work: string, seed: number, interpreter = glibcLinker): LoaderTree {
  const random = new SeededRandom(seed);
  const linker = new StubLinker(work, interpreter);
  for (const folder of [...folders, "/opt/x86_64", "/opt/bin", "/usr/bin"])
    mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, "etc/ld.so.conf"), [...configured, `/lib/${triplet}`, `/usr/lib/${triplet}`, ""].join("\n"));
  const builds = names.flatMap((name) =>
    [0, 1, 2].map((version) => ({ name, file: linker.library(`${name}-${version}`, describe(random, name)) })),
  );
  for (const { name, file } of builds) {
    for (let copies = random.between(1, 3); copies > 0; copies -= 1) place(random, root, name, file);
  }
  for (const name of interpreter === glibcLinker ? random.some(names, 0.5) : [])
    place(random, root, name, linker.foreign(random.pick(["class", "machine"])));
  const programs = Array.from({ length: 5 }, (_, number) => {
    const path = `${random.pick(["/opt/bin", "/opt/a", "/usr/bin"])}/program${number}`;
    copyFileSync(linker.program(`program${number}`, describe(random, undefined), random.chance(0.5)), join(root, path));
    if (!random.chance(0.3)) return path;
    symlinkSync(path, join(root, `/opt/b/link${number}`));
    return `/opt/b/link${number}`;
  });
  const list = (): string =>
    Array.from({ length: random.between(1, 4) }, () => random.pick(words)).join(random.pick([":", ";"]));
  const environments = [
    {},
    { LD_LIBRARY_PATH: list() },
    { LD_LIBRARY_PATH: list(), LD_PRELOAD: random.pick(names) },
    { LD_LIBRARY_PATH: `/opt/d:${list()}`, LD_PRELOAD: `/opt/a/${random.pick(names)} libnone.so` },
  ];
  return { root, programs, environments };
}

/** Removes some files that the cache names, and has libraries preloaded. */
export function makeStale(root: string, seed: number): void {
  writeFileSync(
    join(root, "etc/ld.so.preload"),
    "# both\n/opt/a/lib3.so.1:libnone.so\tlib5.so.1 # lib6.so.1\nlib7.so.1",
  );
  const random = new SeededRandom(seed);
  for (const folder of configured) {
    for (const name of random.some(readdirSync(join(root, folder)), 0.2)) {
      if (name.endsWith(".so.1")) rmSync(join(root, folder, name));
    }
  }
}

export interface Description {
  readonly soname: string | undefined;
  readonly needed: readonly string[];
  readonly path: { readonly kind: "rpath" | "runpath"; readonly value: string } | undefined;
  readonly noDefaults: boolean;
  /** DT_FILTER and DT_AUXILIARY, of libraries only. */
  readonly filter?: string;
  readonly auxiliary?: string;
}

function describe(random: SeededRandom, name: string | undefined): Description {
  const kind = random.weighted<"rpath" | "runpath" | undefined>([
    [4, "runpath"],
    [3, "rpath"],
    [3, undefined],
  ]);
  const value = Array.from({ length: random.between(1, 3) }, () => random.pick(words)).join(":");
  const needed = Array.from({ length: random.between(name === undefined ? 2 : 0, 4) }, () =>
    random.weighted([
      [30, random.pick(names)],
      [1, "libabsent.so.1"],
      [1, `/opt/a/${random.pick(names)}`],
      [1, `$ORIGIN/${random.pick(names)}`],
    ]),
  );
  const soname = name === undefined || random.chance(0.1) ? undefined : random.chance(0.1) ? random.pick(names) : name;
  return { soname, needed, path: kind === undefined ? undefined : { kind, value }, noDefaults: random.chance(0.08) };
}

function place(random: SeededRandom, root: string, name: string, file: string): void {
  const folder = random.pick(folders);
  const path = join(root, folder, random.chance(0.45) ? random.pick(subfolders) : "", name);
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
  mkdirSync(dirname(path), { recursive: true });
  const target = random.weighted([
    [20, undefined],
    [2, `/opt/a/${name}`],
    [2, "nowhere"],
    [1, name],
  ]);
  if (target === undefined) copyFileSync(file, path);
  else symlinkSync(target, path);
}

/** Makes programs and libraries without code, by ld. */
export class StubLinker {
  readonly #work: string;
  readonly #interpreter: string;
  readonly #stubs = new Map<string, string>();

  constructor(work: string, interpreter = glibcLinker) {
    this.#work = work;
    this.#interpreter = interpreter;
    mkdirSync(work, { recursive: true });
    writeFileSync(this.#path("empty.s"), '.globl nothing\nnothing: ret\n.section .note.GNU-stack,"",@progbits\n');
    writeFileSync(
      this.#path("start.s"),
      '.globl _start\n_start: mov $60, %eax\nxor %edi, %edi\nsyscall\n.section .note.GNU-stack,"",@progbits\n',
    );
    for (const name of ["empty", "start"]) {
      execFileSync("gcc", ["-c", "-o", this.#path(`${name}.o`), this.#path(`${name}.s`)]);
    }
  }

  library(name: string, description: Description): string {
    const soname = description.soname === undefined ? [] : ["-soname", description.soname];
    const { filter, auxiliary } = description;
    const filters = [
      ...(filter === undefined ? [] : ["-F", filter]),
      ...(auxiliary === undefined ? [] : ["-f", auxiliary]),
    ];
    return this.#link(name, ["-shared", ...soname, ...filters, this.#path("empty.o")], description);
  }

  program(name: string, description: Description, isPie: boolean): string {
    const start = ["-dynamic-linker", this.#interpreter, this.#path("start.o")];
    return this.#link(name, isPie ? ["-pie", ...start] : start, description);
  }

  foreign(kind: "class" | "machine"): string {
    const path = this.#path(`foreign-${kind}`);
    writeFileSync(
      path,
      forgeElf(kind === "class" ? { bits: 32, machine: MACHINE.EM_386 } : { machine: MACHINE.EM_AARCH64 }),
    );
    return path;
  }

  #link(name: string, start: readonly string[], { needed, path, noDefaults }: Description): string {
    const output = this.#path(name);
    const tags =
      path === undefined
        ? []
        : ["-rpath", path.value, path.kind === "rpath" ? "--disable-new-dtags" : "--enable-new-dtags"];
    const flags = [...tags, ...(noDefaults ? ["-z", "nodefaultlib"] : []), "--no-as-needed"];
    execFileSync("ld", ["-o", output, ...start, ...flags, ...needed.map((each) => this.#stub(each))], {
      stdio: "pipe",
    });
    return output;
  }

  /** A library of that soname: who links with it asks for that name. */
  #stub(soname: string): string {
    let path = this.#stubs.get(soname);
    if (path === undefined) {
      path = this.#path(`stub${this.#stubs.size}-${basename(soname)}`);
      execFileSync("ld", ["-shared", "-o", path, "-soname", soname, this.#path("empty.o")]);
      this.#stubs.set(soname, path);
    }
    return path;
  }

  #path(name: string): string {
    return join(this.#work, name);
  }
}
