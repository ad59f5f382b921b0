/** Odd and hostile layers: the tree that we read of them is the one that umoci and containers/storage (podman) unpack. */
import { spawnSync } from "node:child_process";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { FormatError } from "../../src/errors.ts";
import type { ImageNode } from "../../src/image/node.ts";
import { Tree } from "../../src/image/tree.ts";
import { readTar } from "../../src/tar/read.ts";
import { program } from "../support/debian-root.ts";
import { MemorySource } from "../support/memory-source.ts";
import { ForgedLayout, scratchForLayouts } from "../support/oci-layout.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { forgedTar, type ForgedMember } from "../support/tar-forge.ts";

const file = (name: string, content = ""): ForgedMember => ({ name, content });
const folder = (name: string, mode = 0o755): ForgedMember => ({ name, type: "5", mode });
const link = (name: string, linkName: string): ForgedMember => ({ name, type: "2", linkName });
const hard = (name: string, linkName: string): ForgedMember => ({ name, type: "1", linkName });

type Layers = readonly (readonly ForgedMember[])[];

/** All of them stand in one image, so each has a folder of its own. */
const cases: Readonly<Record<string, Layers>> = {
  whiteouts: [
    [folder("wh"), folder("wh/d"), file("wh/a", "1"), file("wh/d/x"), file("wh/d/y"), link("wh/l", "nowhere")],
    [folder("wh"), file("wh/.wh.a"), folder("wh/d"), file("wh/d/.wh.x"), file("wh/.wh.l"), file("wh/.wh.nothing")],
  ],
  "a whole folder whited out": [[folder("f"), folder("f/d"), file("f/d/x"), file("f/y")], [file("f/.wh.d")]],
  "an opaque folder": [
    [folder("o"), file("o/old"), folder("o/d"), file("o/d/old")],
    [folder("o"), file("o/.wh..wh..opq"), file("o/new", "2")],
  ],
  "a file becomes a folder, a folder a file, a folder a link": [
    [folder("k"), file("k/a"), folder("k/b"), file("k/b/x"), folder("k/c"), file("k/c/x")],
    [folder("k"), folder("k/a"), file("k/a/y"), file("k/b", "file"), link("k/c", "a")],
  ],
  "a link becomes a folder": [
    [folder("m"), folder("m/real"), file("m/real/x"), link("m/link", "real")],
    [folder("m/link"), file("m/link/y")],
  ],
  "entries again and again": [[folder("n"), file("n/a", "1"), file("n/a", "2"), link("n/a", "x"), file("n/a", "3")]],
  "hard links": [
    [
      folder("h"),
      file("h/a", "content"),
      hard("h/b", "h/a"),
      hard("h/c", "./h/b"),
      link("h/l", "a"),
      hard("h/m", "h/l"),
    ],
    [folder("h"), file("h/a", "other")],
  ],
  "links as parents": [
    [folder("p"), folder("p/usr"), link("p/abs", "/p/usr"), link("p/rel", "usr"), file("p/abs/1"), file("p/rel/2")],
    [file("p/abs/3"), file("p/rel/4")],
  ],
  "links that climb out": [
    [folder("q"), link("q/out", "../../../../../../q/in"), folder("q/in"), file("q/out/x"), file("q/in/y")],
  ],
  "absolute names, and names that climb": [
    [folder("r"), file("/r/a", "1"), file("../../r/b"), file("r/../../r/./c"), file("r//d")],
  ],
  "missing folders": [[file("s/t/u/v", "deep")], [file("s/t/w")]],
  "names of bytes, and long ones": [
    [folder("t"), file("t/\xff\xfe"), file("t/new\nline"), { name: "x", pax: { path: `t/${"n".repeat(200)}` } }],
  ],
  "a FIFO and modes": [[folder("u", 0o700), { name: "u/fifo", type: "6" }, { ...file("u/set"), mode: 0o4755 }]],
  "a time that pax tells": [[folder("v"), { ...file("v/a", "x"), pax: { mtime: "1234567890.5", comment: "y" } }]],
};

/** What both tools refuse, and so do we. */
const refused: Readonly<Record<string, Layers>> = {
  "a hard link to nothing": [[hard("a", "nothing")]],
  "a hard link to a file of the host": [[hard("a", "/etc/hostname")]],
  "a file in a folder's place": [[file("a"), file("a/b")]],
  "a checksum that does not fit": [[{ name: "a", checksum: "0000001\0" }]],
  "a type that is not known": [[{ name: "a", type: "Q" }]],
};

const archives = (layers: Layers): Buffer[] => layers.map(forgedTar);

function treeOf(layers: Layers): Tree {
  const tree = new Tree();
  for (const bytes of archives(layers)) {
    const source = new MemorySource(bytes);
    tree.addLayer(readTar(source), source, true);
  }
  return tree;
}

const typeLetters: Readonly<Record<number, string>> = { 0o100000: "f", 0o040000: "d", 0o120000: "l", 0o010000: "p" };

function ours(tree: Tree): string[] {
  const lines: string[] = [];
  const list = (node: ImageNode, path: string): void => {
    for (const { name } of node.entries(Infinity)) {
      const child = node.child(name);
      if (typeof child === "number") throw new Error(`${path}${name}: ${child}`);
      const { type, mode, links } = child.facts;
      const target = child.readlink();
      const opened = child.open();
      const bytes = typeof opened === "number" ? opened : opened.readAll(1000);
      const content = typeof bytes === "number" ? "" : Buffer.from(bytes).toString("latin1");
      lines.push(
        lineOf(path + name, typeLetters[type] ?? "?", mode, links, typeof target === "string" ? target : content),
      );
      list(child, `${path}${name}/`);
    }
  };
  list(tree.root, "");
  return lines;
}

function unpacked(directory: string): string[] {
  const lines: string[] = [];
  const list = (path: string): void => {
    for (const name of readdirSync(Buffer.from(join(directory, path), "latin1"), "latin1").sort()) {
      const at = Buffer.from(`${directory}/${path}${name}`, "latin1");
      const facts = lstatSync(at);
      const content = facts.isSymbolicLink()
        ? readlinkSync(at, "latin1")
        : facts.isFile()
          ? readFileSync(at, "latin1")
          : "";
      const letter = typeLetters[facts.mode & 0o170000] ?? "?";
      lines.push(lineOf(path + name, letter, facts.mode & 0o7777, facts.nlink, content));
      if (facts.isDirectory()) list(`${path}${name}/`);
    }
  };
  list("");
  return lines;
}

/** A link has no mode, and containers/storage makes two of a hard link to one; nobody counts the names of a folder. */
function lineOf(path: string, letter: string, mode: number, links: number, content: string): string {
  const facts = letter === "l" ? "" : ` ${mode.toString(8)}${letter === "d" ? "" : ` ${links}`}`;
  return `${path} ${letter}${facts} ${JSON.stringify(content)}`;
}

/** The layers of the cases in one image, but for those that a tool refuses. */
function together(without: readonly string[]): Layers {
  const some = Object.entries(cases).flatMap(([name, layers]) => (without.includes(name) ? [] : [layers]));
  return [0, 1].map((at) => some.flatMap((layers) => layers[at] ?? []));
}

function needs(context: TestContext, name: string): void {
  if (process.getuid?.() !== 0) context.skip(`needs root (${name})`);
  if (program(name) === undefined) context.skip(`needs ${name}`);
}

function layoutOf(layers: Layers): string {
  return new ForgedLayout(join(scratchForLayouts(), "layout")).only(archives(layers)).path;
}

/** Unpacks by umoci; undefined when it refuses. */
function byUmoci(layers: Layers): string | undefined {
  const bundle = join(scratchDirectory(), "bundle");
  const done = spawnSync("umoci", ["unpack", "--image", `${layoutOf(layers)}:latest`, bundle], { encoding: "utf8" });
  return done.status === 0 ? join(bundle, "rootfs") : undefined;
}

/** Unpacks by containers/storage, which is what podman and CRI-O have. */
function byBuildah(layers: Layers): string | undefined {
  const state = scratchDirectory();
  const buildah = (...args: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync("buildah", [`--root=${state}/storage`, `--runroot=${state}/run`, "--storage-driver=vfs", ...args], {
      encoding: "utf8",
    });
  const made = buildah("from", "--quiet", `oci:${layoutOf(layers)}:latest`);
  if (made.status !== 0) return undefined;
  const directory = String(buildah("mount", String(made.stdout).trim()).stdout).trim();
  return directory;
}

describe.each([
  ["umoci", byUmoci, []],
  ["buildah", byBuildah, ["entries again and again"]],
] as const)("as %s unpacks them", (name, unpack, without) => {
  test("odd layers", (context) => {
    needs(context, name);
    const layers = together(without);
    const directory = unpack(layers);
    if (directory === undefined) throw new Error(`${name} refuses`);
    const theirs = unpacked(directory);
    expect(ours(treeOf(layers))).toEqual(theirs);
    expect(theirs.length).toBeGreaterThan(50);
  });

  test.for(Object.entries(refused))("%s is refused", ([, layers], context) => {
    needs(context, name);
    expect(() => treeOf(layers)).toThrow(FormatError);
    expect(unpack(layers)).toBeUndefined();
  });
});
