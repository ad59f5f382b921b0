import { describe, expect, test } from "vitest";
import { answer, ask, linkerPath, notes, tried } from "../../test/support/loader-root.ts";
import { elf, text } from "../../test/support/small-root.ts";

const name = "libx.so.1";
const x = (): Uint8Array => elf(name);
const program = (more = {}): Uint8Array => elf(undefined, { interpreter: linkerPath, needed: [name], ...more });

describe("a whole process", () => {
  test("names and files that are loaded already are not searched again, cycles end", () => {
    const files = {
      "/bin/p": program({ needed: ["liba.so", "libb.so"], runpath: "/d" }),
      "/d/liba.so": elf("libb.so", { needed: ["libc.so", "liba.so"] }),
      "/d/libc.so": "liba.so",
    };
    const { process } = ask(files, { from: "/bin/p", libraryPath: "/d" });
    expect(process.objects.map(({ path }) => path)).toEqual(["/bin/p", "/d/liba.so"]);
    const outcomes = process.objects.flatMap(({ lookups }) => lookups.map((each) => `${each.name} ${each.outcome}`));
    expect(outcomes).toEqual(["liba.so loaded", "libb.so already", "libc.so already", "liba.so already"]);
  });

  test("preloaded libraries come first, and a missing one does no harm", () => {
    const files = {
      "/bin/p": program({ needed: [] }),
      "/lib/liby.so": elf("liby.so"),
      "/lib/libz.so": elf("libz.so"),
      "/etc/ld.so.preload": text("# none\nlibz.so:libnone.so # libnever.so"),
    };
    const explanation = ask(files, { from: "/bin/p", preload: "liby.so" });
    expect(explanation.process.objects.map(({ path }) => path)).toEqual(["/bin/p", "/lib/liby.so", "/lib/libz.so"]);
    expect(notes(explanation)).toContain("preload-ignored: libnone.so is not preloaded: it is not found");
    expect(explanation.succeeds).toBe(true);
  });

  test("the dynamic linker itself is there under its names", () => {
    const files = {
      "/bin/p": program({ needed: ["ld-linux-x86-64.so.2"] }),
      [linkerPath]: elf("ld-linux-x86-64.so.2"),
    };
    const { process } = ask(files, { from: "/bin/p" });
    expect(process.program.lookups[0]?.object).toBe(process.linkerObject);
    expect(process.linkerObject).toBeDefined();
  });

  test("the dynamic linker by another name, and the program's file, are loaded again", () => {
    const files = {
      "/bin/p": program({ interpreter: "/d/ld.so", needed: ["ld.so", "libself.so"], rpath: "/d" }),
      "/d/ld.so": elf("ld-linux-x86-64.so.2"),
      "/d/libself.so": "../bin/p",
    };
    const { process } = ask(files, { from: "/bin/p" });
    expect(process.objects.map(({ path }) => path)).toEqual(["/bin/p", "/d/ld.so", "/d/libself.so"]);
  });

  test("musl looks at no path of more than 511 bytes", () => {
    const musl = "/lib/ld-musl-x86_64.so.1";
    const deep = `/${"a".repeat(200)}/${"b".repeat(200)}/${"c".repeat(98)}`;
    const path = `${deep}/libx.so`;
    const needs = { interpreter: musl, needed: ["libx.so"], rpath: deep };
    const files = { [musl]: elf("libc.so"), [path]: elf(), "/lib/libx.so": elf(), "/bin/p": elf(undefined, needs) };
    expect(path).toHaveLength(509);
    expect(answer(ask(files, { name: "libx.so", from: "/bin/p" }))).toContain(path);
    const deeper = {
      ...files,
      [`${deep}cdd/libx.so`]: elf(),
      "/bin/p": elf(undefined, { ...needs, rpath: `${deep}cdd` }),
    };
    expect(answer(ask(deeper, { name: "libx.so", from: "/bin/p" }))).toMatch(/^\/lib\/libx/);
    const own = { ...files, [`${path}.program`]: elf(undefined, { ...needs, rpath: "$ORIGIN" }) };
    expect(answer(ask(own, { name: "libx.so", from: `${path}.program` }))).toMatch(/^\/lib\/libx/);
  });

  test("musl: LD_LIBRARY_PATH, paths of all loaders, the path file, and no cache", () => {
    const musl = "/lib/ld-musl-x86_64.so.1";
    const needs = { interpreter: musl, needed: ["liba.so", "libc.musl-x86_64.so.1"], runpath: "$ORIGIN/../d" };
    const files = {
      "/bin/p": elf(undefined, needs),
      [musl]: elf("libc.so"),
      "/d/liba.so": elf("liba.so", { needed: ["libb.so", "libpthread.so.0", "libc.so"] }),
      "/d/libb.so": elf("libb.so", { needed: ["libz.so"] }),
      "/listed/libz.so": elf("libz.so"),
      "/etc/ld-musl-x86_64.path": text("/none\n/listed:"),
    };
    const { process } = ask(files, { from: "/bin/p" });
    expect(process.objects.map(({ path }) => path)).toEqual([
      "/bin/p",
      "/bin/../d/liba.so",
      "/bin/../d/libb.so",
      "/listed/libz.so",
    ]);
    expect(answer(ask(files, { name: "libb.so", from: "/bin/p" }))).toBe("/bin/../d/libb.so (RUNPATH of /bin/p)");
  });

  const filtering = {
    "/bin/p": program({ needed: ["liba.so", "libb.so"], rpath: "/d" }),
    "/d/libb.so": elf("libb.so", { needed: [name], runpath: "/of-b" }),
    "/d/libf.so": elf("libf.so", { needed: [name], runpath: "/of-f" }),
    "/of-b/libx.so.1": x(),
    "/of-f/libx.so.1": x(),
  };

  test.each(["filter", "auxiliary"])(
    "what stands for a library by DT_%s has its turn before the next library",
    (kind) => {
      const files = { ...filtering, "/d/liba.so": elf("liba.so", { [kind]: "libf.so" }) };
      const { process } = ask(files, { from: "/bin/p" });
      const paths = process.objects.map(({ path }) => path);
      expect(paths).toEqual(["/bin/p", "/d/liba.so", "/d/libb.so", "/d/libf.so", "/of-f/libx.so.1"]);
    },
  );

  test("musl takes no notice of filters", () => {
    const musl = "/lib/ld-musl-x86_64.so.1";
    const files = {
      ...filtering,
      [musl]: elf("libc.so"),
      "/bin/p": elf(undefined, { interpreter: musl, needed: ["liba.so"], rpath: "/d" }),
      "/d/liba.so": elf("liba.so", { filter: "libf.so" }),
    };
    const { process } = ask(files, { from: "/bin/p" });
    expect(process.objects.map(({ path }) => path)).toEqual(["/bin/p", "/d/liba.so"]);
  });

  test("an auxiliary library that is damaged ends nothing", () => {
    const files = {
      ...filtering,
      "/d/liba.so": elf("liba.so", { auxiliary: "libbad.so" }),
      "/d/libbad.so": text("text"),
    };
    const explanation = ask(files, { from: "/bin/p" });
    expect(explanation.succeeds).toBe(true);
    expect(notes(explanation).filter((line) => line.startsWith("ends-here"))).toEqual([]);
  });

  test("a folder that is missing is looked for once", () => {
    const explanation = ask({ "/lib/libx.so.1": x(), "/a/b": x() }, { name, libraryPath: "/none:/a" });
    expect(tried(explanation).filter((path) => path.startsWith("/none"))).toHaveLength(10);
  });
});
