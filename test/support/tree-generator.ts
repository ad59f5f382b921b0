/**
 * Random root filesystems that are hard for ldconfig: odd names, links of every kind, libraries of many machines, broken
 * ELF files, glibc-hwcaps and legacy hwcap directories, odd configuration files. The same seed gives the same tree.
 *
 * Left out, as the real ldconfig reads memory that it never wrote: a.out files in glibc-hwcaps directories, and ELF
 * offsets that lead behind the last mapped page (no file here ends close to a page's end). Also left out: configuration
 * files that include themselves, and sonames that lead into another directory.
 */
import { abiNote, ET_EXEC, ET_REL, type ForgedElf, forgeElf, MACHINE } from "./elf-forge.ts";
import { SeededRandom } from "./seeded-random.ts";
import type { TreeEntry } from "./tree-entries.ts";

const prefixes = ["lib", "lib", "lib", "lib", "lib", "ld-", "ld.so.", "ld64.so.", "mod", "LIB", "ld"];
const stems = [
  "foo",
  "foobar",
  "a1",
  "a2",
  "a10",
  "z",
  "zz",
  "c++",
  "\xc3\xa9t\xc3\xa9",
  "\xff\xfe",
  "with space",
  "nl\nx",
  "Z",
  "_",
];
const suffixes = [
  ".so",
  ".so.1",
  ".so.1.2",
  ".so.1.2.3",
  ".so.1.10",
  ".so.1.02",
  ".so.01",
  ".so.2",
  ".so.10",
  ".so.2147483648",
  ".so.4294967297",
  ".so.99999999999",
  ".so.1.2.so",
  ".so.1.2.debug",
  ".so.1.2.3.4~",
  ".so.1;abc",
  ".so.1.dpkg-new",
  ".so.1.2.dpkg-tmp",
  ".so.1.#prelink#",
  ".so.1.#prelink#.abcdef",
  ".so-gdb.gdb",
  ".so.1-gdb.py",
  ".so.conf",
  ".sock",
  ".a",
  "",
];
const sonameSuffixes = [".so", ".so.1", ".so.1", ".so.1", ".so.2", ".so.10", ".so.01", ".so.1.2", ".so.4294967297"];
const loaderNames = [
  "ld-linux-x86-64.so.2",
  "ld-linux.so.2",
  "ld-linux-x32.so.2",
  "ld64.so.2",
  "ld-2.36.so",
  "ld.so.1",
  "ld-linux-riscv64-lp64d.so.1",
];
const legacyNames = [
  "tls",
  "haswell",
  "xeon_phi",
  "sse2",
  "x86_64",
  "avx512_1",
  "i686",
  "i586",
  "cmov",
  "power9",
  "fp",
];
const hwcapsNames = ["x86-64-v2", "x86-64-v3", "x86-64-v4", "power9", "z14", "empty", "foo", "a:b", ".hid", "\xe9"];
const directoryPool = [
  "/opt/a",
  "/opt/a/lib",
  "/opt/b",
  "/opt/a b",
  "/opt/\xc3\xa9",
  "/opt/x/sse2",
  "/opt/lib/tls/i686",
  "/usr/local/lib",
  "/usr/local/lib/x86_64-linux-gnu",
  "/srv/deep/x/y/lib",
];
const configurationPool = [
  "/opt/a",
  "/opt/a/lib",
  "/opt/a/lib/",
  "/opt/a/lib//",
  "/opt/a/ //",
  "  /opt/b\t",
  "\v/opt/b \r",
  "/opt/b # comment",
  "/opt/b#comment",
  "# /opt/b",
  "#",
  "",
  "   ",
  "/opt/b/../a/lib",
  "//opt//a//lib",
  "/opt/./b",
  "/opt/a b",
  "/opt/\xc3\xa9",
  "/opt/x/sse2",
  "/opt/lib/tls/i686",
  "/opt/a,/opt/b",
  "/opt/a:/opt/b",
  "/opt/a\0/lib",
  "/opt/a/lib=libc6",
  "/opt/b=libc5",
  "/opt/b=libc4",
  "/opt/b =glibc2",
  "/opt/b= libc6",
  "/opt/a=foo",
  "/opt/a=",
  "/opt/b=libc6=x",
  "=libc6",
  "/opt/to-a",
  "/opt/to-usr",
  "/opt/up",
  "/opt/loop",
  "/opt/dangling",
  "/opt/file",
  "/missing",
  "opt/b",
  "./opt/a",
  "../opt/a/lib",
  "/",
  "//",
  "/lib",
  "/lib/",
  "/usr/lib",
  "/lib64",
  "/usr/lib64",
  "/libx32",
  "/usr/local/lib",
  "/usr/local/lib/x86_64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/i386-linux-gnu",
  "/usr/lib/i386-linux-gnu=libc6",
  "/opt/a/lib/glibc-hwcaps/x86-64-v3",
  "/opt/a/tls",
  "/opt/a/haswell",
  "/srv/deep/x/y/lib",
  "/srv/deep/x/y/../y/lib/.",
  "include",
  "includefoo",
  "Include ld.so.conf.d/*.conf",
  "include /etc/ld.so.conf.d/*.conf",
  "include ld.so.conf.d/*.conf",
  "include\tld.so.conf.d/b*.conf  /etc/ld.so.conf.d/10-?.conf",
  "include /etc/ld.so.conf.d/[!b]*.conf",
  "include /etc/ld.so.conf.d/[a-c].conf nothing*.conf",
  "include ld.so.conf.d/.*.conf",
  "include ld.so.conf.d/a\\*.conf",
  "include /etc/*.d/Z.conf",
  "include ../etc/more.conf",
  "include /opt/to-conf/b.conf",
  "include /etc",
  "include more.conf /missing.conf",
  " include ld.so.conf.d/b.conf",
  "hwcap 1 nosegneg",
  "HWCAP 0 foo",
  "hwcap",
  "hwcap 99 x y",
];
const dropInNames = [
  "10-z.conf",
  "Z.conf",
  "a.conf",
  "b.conf",
  "bb.conf",
  ".hidden.conf",
  "a*.conf",
  "\xe9.conf",
  "c.confx",
  "x y.conf",
];

/** Another architecture than amd64 that most of a tree's libraries are to be of. */
export interface ForeignPlatform {
  triplet: string;
  /** What its libraries look like, float ABIs and the like. */
  libraries: readonly ForgedElf[];
}

interface Plan {
  random: SeededRandom;
  foreign: ForeignPlatform | undefined;
  entries: TreeEntry[];
  taken: Set<string>;
  /** Directories that hold libraries, as they really are. */
  places: string[];
  /** Regular files that links may name. */
  files: string[];
}

/** The entries of a random root filesystem, parents before children. */
export function generateTree(seed: number, foreign?: ForeignPlatform): TreeEntry[] {
  const random = new SeededRandom(seed);
  const plan: Plan = { random, foreign, entries: [], taken: new Set(), places: [], files: [] };
  planDirectories(plan);
  planHardwareDirectories(plan);
  for (const place of plan.places) planLibraries(plan, place);
  for (const place of random.shuffled(plan.places)) planLinks(plan, place);
  if (random.chance(0.1)) planLongChain(plan);
  if (random.chance(0.15)) planOldObjects(plan);
  planConfiguration(plan);
  return plan.entries;
}

function add(plan: Plan, entry: TreeEntry): boolean {
  if (plan.taken.has(entry.path)) return false;
  plan.taken.add(entry.path);
  plan.entries.push(entry);
  return true;
}

function addDirectories(plan: Plan, path: string): void {
  const parts = path.split("/").slice(1);
  parts.forEach((_, index) => add(plan, { kind: "directory", path: `/${parts.slice(0, index + 1).join("/")}` }));
}

/** /usr merged into / in the ways that distributions do it, or not, and further directories with libraries. */
function planDirectories(plan: Plan): void {
  const { random } = plan;
  for (const path of ["/etc", "/usr/lib", "/opt", "/sbin"]) addDirectories(plan, path);
  if (random.chance(0.3)) addDirectories(plan, "/var/cache/ldconfig");
  const merge = random.weighted([
    [4, "relative"],
    [1, "absolute"],
    [4, "none"],
    [1, "reverse"],
  ]);
  const places = ["/usr/lib"];
  const triplets = [plan.foreign?.triplet ?? "x86_64-linux-gnu", "i386-linux-gnu"];
  for (const name of ["lib", "lib64", "libx32", "lib32"]) {
    if (name !== "lib" && random.chance(0.5)) continue;
    const both = random.chance(0.8);
    if (merge === "none" || (merge === "reverse" && name === "lib")) places.push(`/${name}`);
    if (both) places.push(`/usr/${name}`);
    if (merge === "none") continue;
    if (merge === "reverse" && name === "lib") continue;
    add(plan, { kind: "link", path: `/${name}`, target: merge === "absolute" ? `/usr/${name}` : `usr/${name}` });
  }
  for (const parent of ["/lib", "/usr/lib"])
    if (places.includes(parent)) places.push(...random.some(triplets, 0.7).map((triplet) => `${parent}/${triplet}`));
  places.push(...random.some(directoryPool, 0.45));
  plan.places = [...new Set(places)];
  for (const place of plan.places) addDirectories(plan, place);
  const doors: [string, string][] = [
    ["/opt/to-a", "a/lib"],
    ["/opt/to-usr", "/usr/lib"],
    ["/opt/up", "../../../../opt/b"],
    ["/opt/loop", "loop"],
    ["/opt/dangling", "nowhere/lib"],
    ["/opt/to-conf", "/etc/ld.so.conf.d"],
  ];
  for (const [path, target] of random.some(doors, 0.5)) add(plan, { kind: "link", path, target });
  if (random.chance(0.3)) add(plan, { kind: "file", path: "/opt/file", bytes: text("not a directory\n") });
}

/** glibc-hwcaps directories and those of the years before, some of them links. */
function planHardwareDirectories(plan: Plan): void {
  const { random } = plan;
  const further: string[] = [];
  for (const place of plan.places) {
    if (random.chance(0.35)) {
      for (const name of random.some(legacyNames, 0.25)) {
        const path = `${place}/${name}`;
        if (random.chance(0.2)) {
          add(plan, { kind: "link", path, target: random.pick([...plan.places, "..", ".", "haswell", "nowhere"]) });
          continue;
        }
        if (random.chance(0.1)) {
          add(plan, { kind: "file", path, bytes: text("a file where a directory could be\n") });
          continue;
        }
        addDirectories(plan, path);
        further.push(path);
        if (random.chance(0.3)) {
          const nested = `${path}/${random.pick(legacyNames)}`;
          addDirectories(plan, nested);
          further.push(nested);
        }
      }
    }
    if (!random.chance(0.4)) continue;
    const base = `${place}/glibc-hwcaps`;
    if (random.chance(0.05)) {
      add(plan, { kind: "link", path: base, target: random.pick(["/opt/b", "../a/lib/glibc-hwcaps", "nowhere"]) });
      continue;
    }
    addDirectories(plan, base);
    for (const name of random.some(hwcapsNames, 0.35)) {
      const path = `${base}/${name}`;
      if (random.chance(0.2)) {
        const target = random.pick(["x86-64-v2", "x86-64-v3", "foo", "nowhere", "/nowhere", "../..", ...plan.places]);
        add(plan, { kind: "link", path, target });
      } else if (random.chance(0.07)) {
        add(plan, { kind: "file", path, bytes: text("a file\n") });
      } else {
        addDirectories(plan, path);
        further.push(path);
      }
    }
  }
  plan.places.push(...further.filter((path) => !plan.places.includes(path)));
}

function fileName(random: SeededRandom): string {
  if (random.chance(0.05)) return random.pick(loaderNames);
  return random.pick(prefixes) + random.pick(stems) + random.pick(suffixes);
}

function soname(random: SeededRandom, name: string): string {
  return random.weighted<() => string>([
    [8, () => name.replace(/(\.so).*/su, "$1") + random.pick(["", ".1", ".1", ".1", ".2", ".10"])],
    [8, () => random.pick(prefixes) + random.pick(stems) + random.pick(sonameSuffixes)],
    [3, () => name],
    [1, () => random.pick(loaderNames)],
    [0.4, () => ""],
    [0.4, () => `missing/${name}`],
    [0.2, () => `lib${"long".repeat(random.between(10, 80))}.so.1`],
    [0.2, () => "."],
    [0.2, () => "no-prefix.so.1"],
    [0.2, () => "lib\x01\x7f\x80\xff.so.1"],
  ])();
}

function planLibraries(plan: Plan, place: string): void {
  const { random } = plan;
  const count = random.weighted<() => number>([
    [2, () => 0],
    [5, () => random.between(1, 4)],
    [3, () => random.between(5, 14)],
  ])();
  for (let index = 0; index < count; index += 1) {
    const name = fileName(random);
    const path = `${place}/${name}`;
    if (plan.files.length > 0 && random.chance(0.06)) {
      add(plan, { kind: "hard-link", path, to: random.pick(plan.files) });
    } else if (random.chance(0.03)) {
      addDirectories(plan, path);
    } else if (random.chance(0.01)) {
      planFifo(plan, place);
    } else {
      const entry: TreeEntry = { kind: "file", path, ...content(plan, name) };
      if (add(plan, entry)) plan.files.push(path);
    }
  }
}

/** No link leads to a FIFO, as ldconfig would open it and wait. */
function planFifo(plan: Plan, place: string): void {
  if (/^[!-~]*$/u.test(place)) add(plan, { kind: "fifo", path: `${place}/libfifo.so.1` });
}

function content({ random, foreign }: Plan, name: string): { bytes: Uint8Array; mode?: number; note: string } {
  const mode = random.pick([0o644, 0o644, 0o755, 0o000]);
  if (random.chance(0.12)) {
    const note = random.pick(["empty", "short", "magic", "script", "INPUT", "plain", "text"]);
    const words: Record<string, Uint8Array> = {
      empty: text(""),
      short: text("\x7fE"),
      magic: forgeElf().subarray(0, random.between(4, 63)),
      script: text(`/* GNU ld script\n*/\nOUTPUT_FORMAT(elf64-x86-64)\nGROUP ( /lib/libc.so.6 )\n`),
      INPUT: text("INPUT(-lx)\n"),
      plain: text("x".repeat(70)),
      text: text("\0".repeat(random.between(1, 200))),
    };
    return { bytes: words[note] ?? text(""), mode, note };
  }
  const elf = randomElf(random, name, foreign);
  return { bytes: clearOfPageEnd(forgeElf(elf)), mode, note: JSON.stringify(elf, describeValue) };
}

function randomMachine(random: SeededRandom, foreign: ForeignPlatform | undefined): ForgedElf {
  if (foreign !== undefined && random.chance(0.75)) return random.pick(foreign.libraries);
  return random.weighted<ForgedElf>([
    [60, { bits: 64, machine: MACHINE.EM_X86_64 }],
    [14, { bits: 32, machine: MACHINE.EM_386 }],
    [6, { bits: 32, machine: MACHINE.EM_X86_64 }],
    [2, { bits: 64, machine: MACHINE.EM_386 }],
    [2, { bits: 64, machine: MACHINE.EM_AARCH64 }],
    [1, { bits: 32, machine: MACHINE.EM_ARM, flags: 0x5000400 }],
    [1, { bits: 64, machine: MACHINE.EM_IA_64 }],
    [1, { bits: 64, machine: MACHINE.EM_S390, bigEndian: true }],
    [1, { bits: 64, machine: MACHINE.EM_X86_64, bigEndian: true }],
    [1, { bits: 64, machine: MACHINE.EM_X86_64, type: ET_EXEC }],
    [1, { bits: 32, machine: MACHINE.EM_386, type: ET_REL }],
    [1, { bits: 64, machine: MACHINE.EM_X86_64, classByte: random.pick([0, 1, 3]) }],
    [1, { bits: 32, machine: MACHINE.EM_386, classByte: random.pick([0, 2]) }],
    [1, { bits: 64, machine: MACHINE.EM_X86_64, dataByte: random.pick([0, 2, 9]) }],
  ]);
}

function randomElf(random: SeededRandom, name: string, foreign: ForeignPlatform | undefined): ForgedElf {
  const machine = randomMachine(random, foreign);
  const needed = random.weighted<readonly string[]>([
    [4, []],
    [4, ["libc.so.6"]],
    [1, ["libm.so.6", "libc.so.6"]],
    [1, ["libfoo.so.1", "libc.so.5"]],
    [1, ["libfoo.so.1"]],
  ]);
  const sonames = random.weighted<readonly string[]>([
    [20, [soname(random, name)]],
    [4, []],
    [1, [soname(random, name), soname(random, name)]],
  ]);
  return {
    ...machine,
    sonames,
    needed,
    ...(random.chance(0.2) ? { neededLast: true } : {}),
    ...(random.chance(0.1)
      ? {
          interpreter: random.pick([
            "/lib/ld-linux.so.2",
            "/lib64/ld-linux-x86-64.so.2",
            "/libx32/ld-linux-x32.so.2",
            "/lib/ld-linux.so.1",
            "/odd",
          ]),
        }
      : {}),
    ...(random.chance(0.3)
      ? { notes: [abiNote(0, random.between(2, 6), random.between(0, 300), random.between(0, 40))] }
      : {}),
    ...(random.chance(0.1) ? { noteAlignment: 8 } : {}),
    ...(random.chance(0.4) ? { isaNeeded: random.pick([0, 1, 2, 3, 4, 5, 8, 15, 0x400, 0x80000000]) } : {}),
    ...(random.chance(0.05) ? { propertyAlignment: random.pick([1, 4, 8, 16]) } : {}),
    ...(random.chance(0.4) ? { loadBias: random.pick([0x1000, 0x400000, 0x7fff0000]) } : {}),
    ...(random.chance(0.2) ? { decoyBias: random.pick([0, 0x2000, 0x10000]) } : {}),
    ...(random.chance(0.03) ? { noLoad: true } : {}),
    ...(random.chance(0.03) ? { noDynamic: true } : {}),
    ...(random.chance(0.03) ? { noStringTable: true } : {}),
    ...(random.chance(0.1) ? { wild: wildness(random) } : {}),
    ...(random.chance(0.1) ? { padding: random.between(1, 9000) } : {}),
    ...(random.chance(0.04) ? { truncate: random.between(0, 700) } : {}),
  };
}

function wildness(random: SeededRandom): NonNullable<ForgedElf["wild"]> {
  const far = random.pick([0x10000n, 0x7fffffffn, 0x80000000n, 0xffffffffn, 1n << 40n, 1n << 63n, (1n << 64n) - 8n]);
  return random.pick<NonNullable<ForgedElf["wild"]>>([
    { phoff: far },
    { phoff: 0n },
    { phnum: 0 },
    { phnum: 0xffff },
    { dynamicOffset: far },
    { dynamicOffset: 0n },
    { dynamicSize: 0n },
    { dynamicSize: far },
    { stringTable: far },
    { stringTable: 0n },
    { sonameOffset: far },
    { sonameOffset: BigInt(random.between(0, 40)) },
    { neededOffset: far },
    { interpreterOffset: far },
  ]);
}

/** ldconfig maps whole pages, and reads up to one structure behind the end of a file that lies. */
function clearOfPageEnd(bytes: Uint8Array): Uint8Array {
  const behind = bytes.length % 4096;
  if (bytes.length < 4096 - 400 || (behind > 0 && behind < 4096 - 400)) return bytes;
  const padded = new Uint8Array(bytes.length + 500);
  padded.set(bytes);
  return padded;
}

function planLinks(plan: Plan, place: string): void {
  const { random } = plan;
  const count = random.chance(0.25) ? 0 : random.between(1, 6);
  for (let index = 0; index < count; index += 1) {
    const path = `${place}/${fileName(random)}`;
    add(plan, { kind: "link", path, target: linkTarget(plan, place, path) });
  }
}

function linkTarget(plan: Plan, place: string, path: string): string {
  const { random, files } = plan;
  const file = files.length > 0 ? random.pick(files) : "/nowhere";
  const siblings = plan.entries
    .filter((entry) => entry.kind !== "fifo" && entry.path.startsWith(`${place}/`))
    .map((entry) => entry.path.slice(place.length + 1));
  const sibling = siblings.length > 0 ? random.pick(siblings) : "libnowhere.so.1";
  const up = "../".repeat(place.split("/").length - 1);
  return random.weighted<() => string>([
    [10, () => sibling],
    [2, () => `./${sibling}`],
    [2, () => `../${place.slice(place.lastIndexOf("/") + 1)}/${sibling}`],
    [4, () => file],
    [2, () => `/${file.replaceAll("/", "//")}`],
    [3, () => `${up}${file.slice(1)}`],
    [2, () => `${"../".repeat(12)}${file.slice(1)}`],
    [1, () => `${file}/`],
    [1, () => `${file}/.`],
    [1, () => `/opt/to-a/${sibling}`],
    [1, () => `/opt/to-usr/${sibling}`],
    [1, () => `/lib/${sibling}`],
    [3, () => fileName(random)],
    [1, () => `missing/${sibling}`],
    [1, () => path.slice(path.lastIndexOf("/") + 1)],
    [2, () => random.pick([...plan.places, "..", ".", "/", "/opt/loop", "/opt/loop/x"])],
  ])();
}

/** A chain of links around the forty that the kernel follows. */
function planLongChain(plan: Plan): void {
  const { random } = plan;
  const place = random.pick(plan.places);
  const length = random.between(37, 43);
  for (let index = 0; index < length; index += 1)
    add(plan, { kind: "link", path: `${place}/libchain.so.${index}`, target: `libchain.so.${index + 1}` });
  const bytes = forgeElf({ sonames: ["libchained.so.1"] });
  add(plan, { kind: "file", path: `${place}/libchain.so.${length}`, bytes });
}

/** a.out files, which count as libraries: in a directory that no glibc-hwcaps directory leads to. */
function planOldObjects(plan: Plan): void {
  const { random } = plan;
  addDirectories(plan, "/srv/old");
  for (const name of ["libold.so.1.2.3", "libold2.so", "libold3.so.1"]) {
    const bytes = new Uint8Array(random.between(64, 200));
    bytes.set(
      random.pick([
        [0x0b, 0x01],
        [0xcc, 0x00],
      ]),
    );
    add(plan, { kind: "file", path: `/srv/old/${name}`, bytes, note: "a.out" });
  }
}

function planConfiguration(plan: Plan): void {
  const { random } = plan;
  const lines = (): Uint8Array => {
    const pool = plan.taken.has("/srv/old") ? [...configurationPool, "/srv/old", "/srv/old"] : configurationPool;
    const real = random.some(plan.places, 0.12);
    const chosen = random.shuffled([...random.some(pool, 0.12), ...real]);
    const end = random.chance(0.8) ? "\n" : "";
    return text(chosen.join(random.chance(0.1) ? "\r\n" : "\n") + end);
  };
  const include = text(`${random.pick(["", "# all\n"])}include ${random.pick(["/etc/", ""])}ld.so.conf.d/*.conf\n`);
  const main = "/etc/ld.so.conf";
  const shape = random.weighted([
    [12, "file"],
    [6, "include"],
    [1, "link"],
    [1, "absolute link"],
    [1, "missing"],
    [0.5, "dangling"],
    [0.5, "directory"],
    [0.5, "empty"],
  ]);
  if (shape === "file") add(plan, { kind: "file", path: main, bytes: lines() });
  else if (shape === "include") add(plan, { kind: "file", path: main, bytes: include });
  else if (shape === "empty") add(plan, { kind: "file", path: main, bytes: text("") });
  else if (shape === "directory") addDirectories(plan, main);
  else if (shape !== "missing") {
    const target = { link: "../opt/ld.so.conf", "absolute link": "/opt/ld.so.conf", dangling: "nowhere" }[shape] ?? "";
    add(plan, { kind: "link", path: main, target });
    add(plan, { kind: "file", path: "/opt/ld.so.conf", bytes: lines() });
  }
  if (random.chance(0.8)) planDropIns(plan, lines);
  if (random.chance(0.3)) add(plan, { kind: "file", path: "/etc/more.conf", bytes: plainLines(random) });
  const cache = random.weighted([
    [5, "none"],
    [2, "garbage"],
    [1, "link"],
  ]);
  if (cache === "garbage") add(plan, { kind: "file", path: "/etc/ld.so.cache", bytes: text("not a cache at all\n") });
  if (cache === "link")
    add(plan, { kind: "link", path: "/etc/ld.so.cache", target: random.pick(["/opt/cache", "nowhere"]) });
}

/** Drop-ins name directories only, so that no configuration includes itself. */
function planDropIns(plan: Plan, lines: () => Uint8Array): void {
  const { random } = plan;
  if (random.chance(0.1)) {
    addDirectories(plan, "/opt/conf.d");
    add(plan, { kind: "link", path: "/etc/ld.so.conf.d", target: random.pick(["/opt/conf.d", "../opt/conf.d"]) });
    add(plan, { kind: "file", path: "/opt/conf.d/b.conf", bytes: withoutIncludes(lines()) });
    return;
  }
  addDirectories(plan, "/etc/ld.so.conf.d");
  for (const name of random.some(dropInNames, 0.4)) {
    const path = `/etc/ld.so.conf.d/${name}`;
    if (random.chance(0.06)) addDirectories(plan, path);
    else if (random.chance(0.08))
      add(plan, { kind: "link", path, target: random.pick(["../more.conf", "/etc/more.conf", "nowhere"]) });
    else
      add(plan, {
        kind: "file",
        path,
        bytes: random.chance(0.1) ? text("include ../more.conf\n/opt/a\n") : withoutIncludes(lines()),
      });
  }
}

function plainLines(random: SeededRandom): Uint8Array {
  return text(`${random.some(directoryPool, 0.3).join("\n")}\n`);
}

function withoutIncludes(bytes: Uint8Array): Uint8Array {
  const kept = Buffer.from(bytes)
    .toString("latin1")
    .split("\n")
    .filter((line) => !/^\s*include[ \t]/u.test(line));
  return text(kept.join("\n"));
}

function text(characters: string): Uint8Array {
  return new Uint8Array(Buffer.from(characters, "latin1"));
}

function describeValue(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? `0x${value.toString(16)}` : value instanceof Uint8Array ? value.length : value;
}
