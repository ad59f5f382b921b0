import { describe, expect, test } from "vitest";
import { MemorySource } from "../../test/support/memory-source.ts";
import { forgedTar, type ForgedMember } from "../../test/support/tar-forge.ts";
import { toText } from "../bytes/text.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { readTar } from "../tar/read.ts";
import type { ImageNode } from "./node.ts";
import { Tree } from "./tree.ts";

const file = (name: string, content = ""): ForgedMember => ({ name, content });
const folder = (name: string, mode = 0o755): ForgedMember => ({ name, type: "5", mode });
const link = (name: string, linkName: string): ForgedMember => ({ name, type: "2", linkName });
const hard = (name: string, linkName: string): ForgedMember => ({ name, type: "1", linkName });

function treeOf(...layers: readonly (readonly ForgedMember[])[]): Tree {
  const tree = new Tree();
  for (const members of layers) {
    const source = new MemorySource(forgedTar(members));
    tree.addLayer(readTar(source), source, true);
  }
  return tree;
}

/** All of a tree, a line each: `usr/`, `usr/a=content`, `b->target`. */
function listingOf(tree: Tree): string[] {
  const lines: string[] = [];
  const list = (node: ImageNode, path: string): void => {
    for (const { name } of node.entries(1000)) {
      const child = node.child(name);
      if (typeof child === "number") throw new Error(`${path}${name}: ${child}`);
      const target = child.readlink();
      if (typeof target === "string") lines.push(`${path}${name}->${target}`);
      else if (child.children !== undefined) {
        lines.push(`${path}${name}/`);
        list(child, `${path}${name}/`);
      } else {
        const opened = child.open();
        const content = typeof opened === "number" ? opened : opened.readAll(1000);
        lines.push(`${path}${name}=${typeof content === "number" ? content : toText(content)}`);
      }
    }
  };
  list(tree.root, "");
  return lines;
}

const made = (...layers: readonly (readonly ForgedMember[])[]): string[] => listingOf(treeOf(...layers));
const failing =
  (...layers: readonly (readonly ForgedMember[])[]) =>
  (): unknown =>
    made(...layers);

describe("names", () => {
  test("missing folders are made; names are sorted by their bytes", () => {
    expect(made([file("b/c/d", "x"), file("a"), file("a\xff"), file("A")])).toEqual([
      "A=",
      "a=",
      "a\xff=",
      "b/",
      "b/c/",
      "b/c/d=x",
    ]);
  });

  test("absolute ones start at the root, and .. ends there", () => {
    expect(made([file("/etc/a"), file("../../b"), file("x/../../../c"), file("./d/./e"), file("f//g")])).toEqual([
      "b=",
      "c=",
      "d/",
      "d/e=",
      "etc/",
      "etc/a=",
      "f/",
      "f/g=",
    ]);
  });

  test("the root's own entry sets its mode, and is never a file", () => {
    const tree = treeOf([folder("./", 0o700), folder("/", 0o711), folder("a/..", 0o710)]);
    expect(tree.root.facts.mode).toBe(0o710);
    expect(listingOf(tree)).toEqual([]);
    expect(failing([file("./..", "x")])).toThrow("name at byte 0");
  });

  test("of several entries the last counts", () => {
    expect(made([file("a", "1"), file("a", "2"), link("b", "x"), file("b"), file("c"), link("c", "y")])).toEqual([
      "a=2",
      "b=",
      "c->y",
    ]);
  });

  test("a folder over a folder keeps what is in it, anything else over one does not", () => {
    expect(made([file("a/b"), folder("a", 0o700), file("c/d"), file("c", "x")])).toEqual(["a/", "a/b=", "c=x"]);
    expect(made([file("a"), folder("a"), file("a/b")])).toEqual(["a/", "a/b="]);
  });

  test("a component that is too long, a folder too deep", () => {
    expect(failing([{ name: "x", pax: { path: "n".repeat(256) } }])).toThrow("longer than 255 bytes");
    expect(failing([{ name: "x", pax: { path: "d/".repeat(300) } }])).toThrow("deeper than 256");
  });
});

describe("links as folders", () => {
  test("are followed inside the tree, from one layer to the next", () => {
    const layers = [[folder("usr/lib"), link("lib", "usr/lib"), link("abs", "/usr"), link("up", "../../usr")]];
    expect(made(...layers, [file("lib/a"), file("abs/b"), file("up/c"), file("up/lib/d")])).toEqual([
      "abs->/usr",
      "lib->usr/lib",
      "up->../../usr",
      "usr/",
      "usr/b=",
      "usr/c=",
      "usr/lib/",
      "usr/lib/a=",
      "usr/lib/d=",
    ]);
  });

  test("a folder's own entry replaces a link, as unpackers do", () => {
    expect(made([folder("usr/lib"), link("lib", "usr/lib")], [folder("lib"), file("lib/a")])).toEqual([
      "lib/",
      "lib/a=",
      "usr/",
      "usr/lib/",
    ]);
  });

  test("a link that leads nowhere is followed to what is made there", () => {
    expect(made([link("lib", "not/there"), file("lib/a")])).toEqual([
      "lib->not/there",
      "not/",
      "not/there/",
      "not/there/a=",
    ]);
  });

  test("a link that was replaced meanwhile is not", () => {
    expect(made([folder("x"), link("lib", "x"), file("lib/a"), folder("y"), link("lib", "y"), file("lib/b")])).toEqual([
      "lib->y",
      "x/",
      "x/a=",
      "y/",
      "y/b=",
    ]);
  });

  test("a loop, and a file in a folder's place", () => {
    expect(failing([link("a", "b"), link("b", "a"), file("a/c")])).toThrow("too many links");
    expect(failing([file("a"), file("a/c")])).toThrow("what should be its folder is none");
  });
});

test("a chain of links of 4,000 bytes each is followed a few thousand times", () => {
  const chain = Array.from({ length: 30 }, (_, at) => ({
    ...link(`c${at}`, ""),
    pax: { linkpath: `${"./".repeat(2000)}c${at + 1}` },
  }));
  const through = Array.from({ length: 5000 }, () => [file("c0/a"), file("other/a")]).flat();
  const fewer = [...chain, folder("c30"), ...through.slice(0, 200)];
  expect(made(fewer).slice(-2)).toEqual(["other/", "other/a="]);
  expect(failing([...chain, folder("c30"), ...through])).toThrow("more than 3000000 steps of paths");
});

test("a list of a few names of a large folder is not a list of all", () => {
  const { root } = treeOf(Array.from({ length: 20_000 }, (_, at) => file(`f${(at * 7919) % 20_000}`)));
  const before = performance.now();
  for (let time = 0; time < 1000; time += 1) expect(root.entries(1).map(({ name }) => name)).toEqual(["f0", "f1"]);
  expect(performance.now() - before).toBeLessThan(1000);
});

describe("hard links", () => {
  test("are the same file by another name", () => {
    const tree = treeOf([file("a", "content"), hard("b/c", "a"), hard("d", "/b/c")]);
    expect(listingOf(tree)).toEqual(["a=content", "b/", "b/c=content", "d=content"]);
    const [a, d] = ["a", "d"].map((name) => tree.root.child(name));
    if (typeof a !== "object" || typeof d !== "object") throw new Error("not there");
    expect(a.facts.identity).toBe(d.facts.identity);
    expect(a.facts.links).toBe(3);
  });

  test("what one of the names becomes later is no matter of the others", () => {
    const tree = treeOf([file("a", "1"), hard("b", "a")], [file("a", "2")]);
    expect(listingOf(tree)).toEqual(["a=2", "b=1"]);
  });

  test("to a link, through a link, to itself, to a file of an earlier layer", () => {
    const layer = [
      link("l", "a"),
      file("usr/a", "x"),
      link("u", "usr"),
      hard("h", "l"),
      hard("i", "u/a"),
      hard("i", "i"),
    ];
    expect(made(layer, [hard("j", "usr/a")])).toEqual(["h->a", "i=x", "j=x", "l->a", "u->usr", "usr/", "usr/a=x"]);
  });

  test("to nothing, to a folder, to what a whiteout took", () => {
    expect(failing([hard("a", "nothing")])).toThrow("to what is not there");
    expect(failing([folder("d"), hard("a", "d")])).toThrow("to a directory");
    expect(failing([folder("d"), hard("a", "..")])).toThrow("to a directory");
    expect(failing([file("a")], [file(".wh.a"), hard("b", "a")])).toThrow("to what is not there");
  });
});

describe("whiteouts (OCI image-spec, layer.md)", () => {
  test("take away what an earlier layer has", () => {
    expect(made([file("a/b/c"), file("a/d"), file("e")], [file("a/.wh.b"), file(".wh.e")])).toEqual(["a/", "a/d="]);
  });

  test("not what their own layer has, before or behind them", () => {
    const base = [file("a", "old"), file("d/x"), file("d/y")];
    expect(made(base, [file(".wh.a"), file("a", "new"), file("d/x", "new"), file(".wh.d")])).toEqual([
      "a=new",
      "d/",
      "d/x=new",
    ]);
    expect(made([], [file("b"), file(".wh.b")])).toEqual(["b="]);
  });

  test("a name that the layer makes a hard link of does not stay", () => {
    expect(made([file("old", "x")], [hard("new", "old"), file(".wh.old")])).toEqual(["new=x"]);
  });

  test("an opaque folder hides all of earlier layers, wherever it stands in its own", () => {
    const base = [file("d/x"), file("d/e/y"), file("other")];
    expect(made(base, [file("d/new"), file("d/.wh..wh..opq"), file("d/e/new")])).toEqual([
      "d/",
      "d/e/",
      "d/e/new=",
      "d/new=",
      "other=",
    ]);
    expect(made(base, [file(".wh..wh..opq"), file("d/x", "2")])).toEqual(["d/", "d/x=2"]);
  });

  test("through a link, of nothing, in nothing, of names that are none, of AUFS' own", () => {
    const base = [file("usr/a"), link("u", "usr"), file("b")];
    const layer = ["u/.wh.a", ".wh.nothing", "no/.wh.x", "b/.wh.x", ".wh.", ".wh..wh.plnk", ".wh..wh.aufs"];
    expect(
      made(
        base,
        layer.map((name) => file(name)),
      ),
    ).toEqual(["b=", "u->usr", "usr/"]);
    expect(failing(base, [file(".wh...")])).toThrow("a whiteout of no name");
    expect(failing(base, [file(".wh..")])).toThrow("a whiteout of no name");
  });

  test("of a large folder that the layer has itself take no time each", () => {
    const many = Array.from({ length: 20_000 }, (_, at) => file(`d/f${at}`));
    for (const name of [".wh.d", "d/.wh..wh..opq"]) {
      const before = performance.now();
      const tree = treeOf([folder("d"), file("d/old")], [folder("d"), ...many, ...many.map(() => file(name))]);
      expect(tree.root.children?.get("d")?.children?.size).toBe(20_000);
      expect(performance.now() - before).toBeLessThan(4000);
    }
  });

  test("in an archive that is no layer they are files", () => {
    const tree = new Tree();
    const source = new MemorySource(forgedTar([file("a"), file(".wh.a")]));
    tree.addLayer(readTar(source), source, false);
    expect(listingOf(tree)).toEqual([".wh.a=", "a="]);
  });
});

test("a root of an image answers as any other", () => {
  const tree = treeOf([file("usr/lib/libx.so.1", "x"), link("lib", "/usr/lib"), { name: "fifo", type: "6" }]);
  using root = new VirtualRoot("image", tree.root);
  expect(root.read("/lib/libx.so.1", 10)).toEqual(Uint8Array.of(0x78));
  expect(root.open("/fifo")).toBeLessThan(0);
  root.replaceFile("/lib/new", Buffer.from("n"), 0o644);
  expect(root.changes.map(({ path }) => path)).toEqual(["/usr/lib/new"]);
});
