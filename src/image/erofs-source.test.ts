import { describe, expect, test } from "vitest";
import { forgedDirectory, forgeErofs, type ForgedFile, signErofs } from "../../test/support/erofs-forge.ts";
import { MemorySource } from "../../test/support/memory-source.ts";
import { fromText, toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { EINVAL, EISDIR, ENOENT, ENOTDIR, EROFS, EUCLEAN } from "../kernel/errno.ts";
import { entriesOf } from "../rootfs/directory.ts";
import { type ErofsOptions, openErofsRoot } from "./erofs-root.ts";

const library: ForgedFile = { mode: 0o100755, data: fromText("\x7fELF library"), layout: "inline", links: 2 };
const tree = forgedDirectory([
  ["etc", forgedDirectory([["ld.so.conf", { mode: 0o100644, data: fromText("/opt/lib\n") }]])],
  ["lib", { mode: 0o120777, data: fromText("usr/lib"), layout: "inline" }],
  [
    "usr",
    forgedDirectory([
      [
        "lib",
        forgedDirectory([
          ["libx.so.1", library],
          ["libx.so", library],
          ["liby.so", { mode: 0o120777, data: fromText("../../lib/libx.so.1") }],
          ["libz.so", { mode: 0o100644, data: fromText("packed"), wild: { format: 2 } }],
          ["fifo", { mode: 0o010644 }],
        ]),
      ],
    ]),
  ],
  ["up", { mode: 0o120777, data: fromText("../../../../etc/ld.so.conf") }],
  ["nvidia0", { mode: 0o020666, device: (195 << 8) | 1 }],
]);

/** Messages about the image, and how often it was closed. */
class Opened {
  readonly complaints: string[] = [];
  closed = 0;

  root(bytes: Uint8Array, options: ErofsOptions = {}): ReturnType<typeof openErofsRoot> {
    const close = (): void => {
      this.closed += 1;
    };
    const file = Object.assign(new MemorySource(bytes), { path: "/x.erofs", [Symbol.dispose]: close });
    return openErofsRoot(file, { ...options, complain: (message) => this.complaints.push(message) });
  }
}

const { bytes } = forgeErofs({ root: tree });

describe("an EROFS image as a root", () => {
  test("paths, links inside the root, facts", () => {
    using root = new Opened().root(bytes);
    expect(root.hostPath).toBe("/x.erofs");
    expect(toText(root.read("/up", 100) as Uint8Array)).toBe("/opt/lib\n");
    expect(toText(root.read("/usr/lib/liby.so", 100) as Uint8Array)).toBe("\x7fELF library");
    const one = root.stat("/lib/libx.so");
    expect(one).toMatchObject({ type: 0o100000, mode: 0o755, size: 12 });
    expect(root.stat("/lib/libx.so.1"), "two names of one file").toEqual(one);
    expect(root.lstat("/lib")).toMatchObject({ type: 0o120000, size: 7 });
    expect(root.stat("/nothing")).toBe(-ENOENT);
    expect(root.stat("/up/x")).toBe(-ENOTDIR);
    expect(root.open("/usr")).toBe(-EISDIR);
    expect(root.open("/usr/lib/fifo")).toBe(-EINVAL);
  });

  test("directories", () => {
    using root = new Opened().root(bytes);
    const directory = root.directory("/lib");
    if (typeof directory === "number") throw new Error(`${directory}`);
    expect(directory.path).toBe("/usr/lib");
    expect(entriesOf(directory.list()).map(({ name, type }) => `${name} ${type}`)).toEqual([
      "fifo 1",
      "libx.so 8",
      "libx.so.1 8",
      "liby.so 10",
      "libz.so 8",
    ]);
    expect(directory.list(2).names.length).toBeLessThan(5);
    expect(directory.readlink("liby.so")).toBe("../../lib/libx.so.1");
    expect(directory.readlink("libx.so")).toBe(-EINVAL);
    const top = root.directory("/");
    expect(typeof top === "number" ? top : top.characterDevice("nvidia0")).toEqual({ major: 195, minor: 1 });
  });

  test("changes are refused, or made in memory", () => {
    using root = new Opened().root(bytes);
    expect(() => root.replaceFile("/etc/ld.so.cache", fromText("new"), 0o644)).toThrow("EROFS");
    expect(root.unlink("/up")).toBe(-EROFS);
    expect(root.changes).toEqual([]);
    using other = new Opened().root(bytes, { changeable: true });
    other.replaceFile("/etc/ld.so.cache", fromText("new"), 0o644);
    expect(toText(other.read("/etc/ld.so.cache", 10) as Uint8Array)).toBe("new");
    expect(other.changes.map(({ kind, path }) => `${kind} ${path}`)).toEqual(["file /etc/ld.so.cache"]);
  });

  test("two images, and two openings of one: no file is taken for another's", () => {
    using one = new Opened().root(bytes);
    using other = new Opened().root(bytes);
    expect(one.identity).not.toBe(other.identity);
    const facts = other.stat("/lib/libx.so");
    expect(typeof facts === "number" ? facts : facts.identity).not.toBe(one.identity);
    expect(one.stat("/lib/libx.so")).not.toEqual(facts);
  });

  test("compressed data: the image is refused when it is met, as what is left of it would tell something wrong", () => {
    using root = new Opened().root(bytes);
    expect(root.stat("/lib/libz.so")).toMatchObject({ size: 6 });
    const open = (): unknown => root.open("/lib/libz.so");
    expect(open).toThrow(HookError);
    expect(open).toThrow("read /x.erofs: its files are compressed, which is not read, neither here nor by gVisor");
  });

  test("broken directories, links and files", () => {
    const opened = new Opened();
    const images = forgeErofs({
      root: forgedDirectory([
        ["dir", { mode: 0o040755, data: new Uint8Array(4096) }],
        ["link", { mode: 0o120777, data: fromText("x"), wild: { block: 0xffff_fff0 } }],
        ["file", { mode: 0o100644, data: new Uint8Array(9000), layout: "block map" }],
      ]),
    });
    using root = opened.root(images.bytes);
    expect(root.stat("/dir/a")).toBe(-EUCLEAN);
    const directory = root.directory("/dir");
    expect(typeof directory === "number" ? directory : entriesOf(directory.list())).toEqual([]);
    const top = root.directory("/");
    expect(typeof top === "number" ? top : top.readlink("link")).toBe(-EUCLEAN);
    expect(root.stat("/link")).toBeLessThan(0);
    expect(opened.complaints.length).toBeGreaterThan(1);
  });

  test("no more than a few complaints", () => {
    const opened = new Opened();
    const files = Array.from({ length: 100 }, (_, index): [string, ForgedFile] => [
      `f${index}`,
      { mode: 0o100644, data: fromText("x"), wild: { block: 0xffff_fff0 } },
    ]);
    using root = opened.root(forgeErofs({ root: forgedDirectory(files) }).bytes);
    for (const [name] of files) expect(root.open(`/${name}`)).toBe(-EUCLEAN);
    expect(opened.complaints).toHaveLength(8);
  });

  test("what is no image is closed again", () => {
    const opened = new Opened();
    const broken = bytes.slice();
    broken[1024 + 80] = 2;
    signErofs(broken);
    const open = (): unknown => opened.root(broken);
    expect(open).toThrow(HookError);
    expect(open).toThrow(
      "open root /x.erofs: parse EROFS image: feature_incompat at byte 1104: its data is compressed",
    );
    expect(opened.closed).toBe(2);
    opened.root(bytes).close();
    expect(opened.closed).toBe(3);
  });
});
