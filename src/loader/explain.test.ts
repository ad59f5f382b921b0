import { describe, expect, test } from "vitest";
import { abiNote, MACHINE } from "../../test/support/elf-forge.ts";
import { answer, ask, cacheOf, linkerPath, notes } from "../../test/support/loader-root.ts";
import { elf, text } from "../../test/support/small-root.ts";
import { HookError } from "../errors.ts";

const name = "libx.so.1";
const x = (more = {}): Uint8Array => elf(name, more);
const program = (more = {}): Uint8Array => elf(undefined, { interpreter: linkerPath, needed: [name], ...more });
const release = (version: string): Uint8Array => text(`ID=debian\nVERSION_ID="${version}"\n`);

describe("the order of places", () => {
  const everywhere = {
    "/rpath/libx.so.1": x(),
    "/library-path/libx.so.1": x(),
    "/runpath/libx.so.1": x(),
    "/cached/libx.so.1": x(),
    "/usr/lib/libx.so.1": x(),
    "/etc/ld.so.cache": cacheOf([[name, "/cached/libx.so.1"]]),
  };
  const from = "/bin/p";
  const libraryPath = "/library-path";

  test("RPATH, LD_LIBRARY_PATH, RUNPATH, cache, default folders", () => {
    const rpath = { ...everywhere, [from]: program({ rpath: "/rpath" }) };
    expect(answer(ask(rpath, { name, from, libraryPath }))).toBe("/rpath/libx.so.1 (RPATH of /bin/p)");
    const runpath = { ...everywhere, [from]: program({ runpath: "/runpath" }) };
    expect(answer(ask(runpath, { name, from, libraryPath }))).toBe("/library-path/libx.so.1 (LD_LIBRARY_PATH)");
    expect(answer(ask(runpath, { name, from }))).toBe("/runpath/libx.so.1 (RUNPATH of /bin/p)");
    expect(answer(ask(everywhere, { name }))).toBe("/cached/libx.so.1 (/etc/ld.so.cache)");
    const { "/etc/ld.so.cache": _, ...uncached } = everywhere;
    expect(answer(ask(uncached, { name }))).toBe("/usr/lib/libx.so.1 (default folder)");
  });

  test("RPATH beside RUNPATH does not count", () => {
    const both = { ...everywhere, [from]: program({ rpath: "/rpath", runpath: "/nowhere" }) };
    expect(answer(ask(both, { name, from }))).toBe("/cached/libx.so.1 (/etc/ld.so.cache)");
  });

  test("what is found hides what comes behind it", () => {
    const explanation = ask(everywhere, { name, libraryPath });
    expect(notes(explanation)).toEqual([
      "hides: /library-path/libx.so.1 hides /cached/libx.so.1 (/etc/ld.so.cache)",
      "hides: /library-path/libx.so.1 hides /usr/lib/libx.so.1 (default folder)",
    ]);
  });

  test("RPATH of a program counts for its libraries' libraries, RUNPATH does not", () => {
    const files = { "/d/liba.so": elf("liba.so", { needed: ["libb.so"] }), "/d/libb.so": elf("libb.so") };
    const asked = { name: "libb.so", from };
    const rpath = ask({ ...files, [from]: program({ needed: ["liba.so"], rpath: "/d" }) }, asked);
    expect(answer(rpath)).toBe("/d/libb.so (RPATH of /bin/p)");
    expect(rpath.lookup?.by?.path).toBe("/d/liba.so");
    expect(answer(ask({ ...files, [from]: program({ needed: ["liba.so"], runpath: "/d" }) }, asked))).toBe("missing");
  });

  test("an object with DF_1_NODEFLIB gets nothing from default folders, not by the cache either", () => {
    const files = {
      "/usr/lib/libx.so.1": x(),
      "/etc/ld.so.cache": cacheOf([[name, "/usr/lib/libx.so.1"]]),
      [from]: program({ flags1: 0x800 }),
    };
    expect(answer(ask(files, { name, from }))).toBe("missing");
    expect(answer(ask({ ...files, [from]: program() }, { name, from }))).toContain("/usr/lib/libx.so.1");
  });

  test("a name with a slash is a path, with tokens", () => {
    const asked = "$ORIGIN/../d/libx.so.1";
    const explanation = ask({ "/bin/p": program({ needed: [asked] }), "/d/libx.so.1": x() }, { from });
    expect(explanation.process.objects.map(({ path }) => path)).toEqual([from, "/bin/../d/libx.so.1"]);
  });

  test("$ORIGIN is the folder of the program without links, and of a library as it was found", () => {
    const files = {
      "/opt/bin/p": program({ runpath: "$ORIGIN/../lib", needed: ["liba.so"] }),
      "/bin/p": "/opt/bin/p",
      "/opt/lib/liba.so": "/real/liba.so.1",
      "/real/liba.so.1": elf("liba.so", { runpath: "$ORIGIN", needed: [name] }),
      "/opt/lib/libx.so.1": x(),
    };
    expect(answer(ask(files, { name, from }))).toBe("/opt/bin/../lib/libx.so.1 (RUNPATH of /opt/bin/../lib/liba.so)");
  });
});

describe("glibc-hwcaps", () => {
  const levels = ["x86-64-v2", "x86-64-v3", "x86-64-v4"];
  const files = {
    "/lib/libx.so.1": x(),
    ...Object.fromEntries(levels.map((level) => [`/lib/glibc-hwcaps/${level}/libx.so.1`, x()])),
  };
  const cache = cacheOf([
    [name, "/lib/libx.so.1"],
    ...levels.map((hwcaps, at) => [name, `/lib/glibc-hwcaps/${hwcaps}/libx.so.1`, { hwcaps, isa: at + 1 }] as const),
  ]);

  test.each([
    ["x86-64", "/lib/libx.so.1"],
    ["x86-64-v2", "/lib/glibc-hwcaps/x86-64-v2/libx.so.1"],
    ["x86-64-v3", "/lib/glibc-hwcaps/x86-64-v3/libx.so.1"],
    ["x86-64-v4", "/lib/glibc-hwcaps/x86-64-v4/libx.so.1"],
  ])("%s finds %s, by the cache and without it", (cpu, path) => {
    expect(answer(ask({ ...files, "/etc/ld.so.cache": cache }, { name, cpu }))).toBe(`${path} (/etc/ld.so.cache)`);
    expect(answer(ask(files, { name, cpu }))).toBe(`${path} (default folder)`);
  });

  test("a library that needs a better processor than its folder says ends the program", () => {
    const wrong = { ...files, "/lib/glibc-hwcaps/x86-64-v2/libx.so.1": x({ isaNeeded: 0b1000 }) };
    expect(answer(ask(wrong, { name, cpu: "x86-64-v2" }))).toContain("CPU ISA level is lower than required");
  });

  test("the names of a compat cache are not where the dynamic linker reads them", () => {
    const compat = cacheOf(
      [
        [name, "/lib/libx.so.1"],
        [name, "/lib/glibc-hwcaps/x86-64-v3/libx.so.1", { hwcaps: "x86-64-v3", isa: 2 }],
      ],
      { format: "compat" },
    );
    const explanation = ask({ ...files, "/etc/ld.so.cache": compat }, { name });
    expect(answer(explanation)).toBe("/lib/libx.so.1 (/etc/ld.so.cache)");
  });

  test("glibc 2.31 has none, and a better library is not found", () => {
    expect(answer(ask({ ...files, "/etc/os-release": release("11") }, { name }))).toBe(
      "/lib/libx.so.1 (default folder)",
    );
  });

  test("legacy folders are searched until 2.36", () => {
    const legacy = { "/lib/tls/libx.so.1": x(), "/lib/libx.so.1": x() };
    const found = (version: string): string =>
      answer(ask({ ...legacy, "/etc/os-release": release(version) }, { name }));
    expect(found("11")).toBe("/lib/tls/libx.so.1 (default folder)");
    expect(found("12")).toBe("/lib/tls/libx.so.1 (default folder)");
    expect(found("13")).toBe("/lib/libx.so.1 (default folder)");
  });
});

describe("what is passed over, and what ends the search", () => {
  const at = (first: Uint8Array | string) => ({ "/a/libx.so.1": first, "/b/libx.so.1": x() });
  const libraryPath = "/a:/b";

  test.each([
    ["32-bit", x({ bits: 32, machine: MACHINE.EM_386 })],
    ["another machine's", x({ machine: MACHINE.EM_AARCH64 })],
    ["a link that leads nowhere", "nowhere"],
  ])("%s: the next folder has it", (_, first) => {
    expect(answer(ask(at(first), { name, libraryPath }))).toBe("/b/libx.so.1 (LD_LIBRARY_PATH)");
  });

  test.each([
    ["an empty file", new Uint8Array(0), "file too short: it is empty"],
    ["half a header", x().subarray(0, 40), "file too short: it ends within the ELF header"],
    ["a text", text("/* GNU ld script */ INPUT(-lx)"), "invalid ELF header: it is no ELF file"],
    ["an object file", x({ type: 1 }), "only ET_DYN and ET_EXEC can be loaded"],
    ["a program", x({ type: 2 }), "cannot dynamically load executable"],
    [
      "a position-independent program",
      x({ flags1: 0x8000001 }),
      "cannot dynamically load position-independent executable",
    ],
    ["no dynamic section", x({ noDynamic: true }), "object file has no dynamic section"],
    ["debugging information", x({ wild: { dynamicSize: 0n } }), "object file has no dynamic section"],
    [
      "half a library",
      x({ wild: { dynamicOffset: 0x4000n } }),
      "cannot read file data: parse ELF: dynamic section at byte 16384: it reaches beyond the file",
    ],
    ["nothing to load", x({ noLoad: true }), "object file has no loadable segments"],
    ["another byte order", x({ dataByte: 2 }), "ELF file data encoding not little-endian"],
  ])("%s: the dynamic linker gives up", (_, first, reason) => {
    expect(answer(ask(at(first), { name, libraryPath }))).toBe(`/a/libx.so.1: ${reason}`);
  });

  test("a note of another system: passed over until 2.35, taken since", () => {
    const files = at(x({ notes: [abiNote(3, 1, 0, 0)] }));
    expect(answer(ask({ ...files, "/etc/os-release": release("11") }, { name, libraryPath }))).toContain("/b/");
    expect(answer(ask(files, { name, libraryPath }))).toContain("/a/");
  });

  test("a link loop makes the rest of the list void", () => {
    const explanation = ask({ ...at("libx.so.1"), "/lib/libx.so.1": x() }, { name, libraryPath });
    expect(answer(explanation)).toBe("/lib/libx.so.1 (default folder)");
    expect(notes(explanation).join()).toContain("the rest of that list is not searched");
  });

  test("a folder in the place of a library", () => {
    const explanation = ask({ "/a/libx.so.1/inside": x(), "/b/libx.so.1": x() }, { name, libraryPath });
    expect(answer(explanation)).toBe("/a/libx.so.1: cannot read file data: it is a directory");
  });
});

describe("what a person ought to know", () => {
  test("a 0-byte stub shadows the driver's library", () => {
    const stub = "/usr/lib/x86_64-linux-gnu/libx.so.1";
    const files = {
      [stub]: new Uint8Array(0),
      "/usr/local/nvidia/lib64/libx.so.1": x(),
      "/etc/ld.so.cache": cacheOf([
        [name, stub],
        [name, "/usr/local/nvidia/lib64/libx.so.1"],
      ]),
    };
    const explanation = ask(files, { name });
    expect(answer(explanation)).toBe(`${stub}: file too short: it is empty`);
    expect(notes(explanation)[0]).toContain(`${stub} is empty`);
    expect(explanation.succeeds).toBe(false);
  });

  test("a stale entry, and where it leads", () => {
    const files = {
      "/opt/libx.so.1": "libx.so.1.2",
      "/usr/lib/libx.so.1": x(),
      "/etc/ld.so.cache": cacheOf([[name, "/opt/libx.so.1"]]),
    };
    const explanation = ask(files, { name });
    expect(answer(explanation)).toBe("/usr/lib/libx.so.1 (default folder)");
    expect(notes(explanation)).toContain(
      "stale-entry: /etc/ld.so.cache is stale: it names /opt/libx.so.1, a link to libx.so.1.2, which leads nowhere",
    );
    expect(notes(explanation)).toContain(
      "not-in-cache: /usr/lib/libx.so.1 is not in /etc/ld.so.cache; a default folder has it",
    );
  });

  test("one file is hidden once, whatever its paths, and an entry that is passed over is in the cache", () => {
    const files = {
      "/usr/lib/libx.so.1": x(),
      "/lib": "usr/lib",
      "/etc/ld.so.cache": cacheOf([
        [name, "/opt/libx.so.1"],
        [name, "/lib/libx.so.1"],
      ]),
    };
    expect(notes(ask({ ...files, "/a/libx.so.1": x() }, { name, libraryPath: "/a" }))).toEqual([
      "hides: /a/libx.so.1 hides /lib/libx.so.1 (default folder)",
    ]);
    const explanation = ask(files, { name });
    expect(answer(explanation)).toBe("/lib/libx.so.1 (default folder)");
    expect(notes(explanation).map((line) => line.split(":")[0])).toEqual(["stale-entry"]);
  });

  test("missing: entries for others, and names that are alike", () => {
    const files = {
      "/etc/ld.so.cache": cacheOf([
        ["libx.so.2", "/opt/libx.so.2"],
        [name, "/opt/lib32/libx.so.1", { flags: 3 }],
      ]),
    };
    const all = notes(ask(files, { name }));
    expect(all).toContain(
      "other-entries: The cache has libx.so.1 for others: /opt/lib32/libx.so.1: of another ABI: flags 0x3",
    );
    expect(all).toContain("similar-names: The cache has libx.so.2");
  });

  test.each([
    ["empty", new Uint8Array(0), "it is empty"],
    ["no cache", text("hello, this is not what you want"), "it is no cache: another magic at byte 0"],
    [
      "cut",
      cacheOf([[name, "/opt/libx.so.1"]]).subarray(0, 60),
      "it announces 1 entries at byte 20, more than it has room for",
    ],
    ["big-endian", cacheOf([], { bigEndian: true }), "it is of another byte order: 3 at byte 28"],
  ])("a cache that is %s", (_, bytes, reason) => {
    expect(notes(ask({ "/etc/ld.so.cache": bytes }, { name }))).toContain(
      `no-cache: /etc/ld.so.cache is of no use: ${reason}`,
    );
  });

  test("a cache whose last name has no end", () => {
    const whole = cacheOf([[name, "/opt/libx.so.1"]], { extensions: false });
    const explanation = ask({ "/etc/ld.so.cache": whole.subarray(0, -1), "/opt/libx.so.1": x() }, { name });
    expect(answer(explanation)).toBe("/opt/libx.so.1 (/etc/ld.so.cache)");
  });

  test("a program that is static, a script, missing, or of an unknown machine", () => {
    const isStatic = ask({ "/bin/p": elf(undefined, { noDynamic: true }) }, { from: "/bin/p" });
    expect(notes(isStatic)).toEqual(["static: /bin/p is statically linked: nothing is loaded for it"]);
    expect(isStatic.succeeds).toBe(true);
    const isPie = ask(
      { "/bin/p": elf(undefined, { flags1: 0x8000001 }), "/d/libx.so.1": x() },
      { from: "/bin/p", preload: "/d/libx.so.1" },
    );
    expect(notes(isPie)).toEqual(notes(isStatic));
    expect(isPie.preloads).toEqual([]);
    const fails =
      (bytes: Uint8Array): (() => unknown) =>
      () =>
        ask({ "/bin/p": bytes }, { from: "/bin/p" });
    expect(fails(text("#!/bin/sh -e\n"))).toThrow("read /bin/p: a script, which /bin/sh -e runs");
    expect(fails(text("x"))).toThrow("read /bin/p: no ELF file");
    expect(fails(elf(undefined, { machine: 7 }))).toThrow(HookError);
    expect(() => ask({}, { from: "/bin/p" })).toThrow("open /bin/p");
  });
});
