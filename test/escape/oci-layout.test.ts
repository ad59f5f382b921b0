/** OCI layouts of strangers: what leads out of the layout is not read, and what is written stays inside of it. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { program } from "../support/debian-root.ts";
import { type AttackResult, HostileRoot } from "../support/hostile-root.ts";
import { type Described, ForgedLayout, tagged } from "../support/oci-layout.ts";
import { forgedTar, type ForgedMember } from "../support/tar-forge.ts";

const library = (name: string, soname: string): ForgedMember => ({ name, content: forgeElf({ sonames: [soname] }) });
const base = forgedTar([
  { name: "etc/debian_version", content: "12.11\n" },
  { name: "etc/ld.so.conf", content: "/usr/lib/driver\n" },
  library("usr/lib/driver/libcuda.so.580", "libcuda.so.1"),
]);

/** A layout in a place whose neighbours are watched. */
class Attacked {
  readonly root: HostileRoot = new HostileRoot();
  readonly layout: ForgedLayout = new ForgedLayout(join(this.root.path, "layout"));

  get outside(): string {
    return this.root.outside;
  }

  at(path: string): string {
    return join(this.layout.path, path);
  }

  /** Everything in the layout but what is written about it. */
  rebuild(): AttackResult {
    const result = this.root.attack(["ldcache", "rebuild", "--root", `oci:${this.layout.path}`, "--glibc", "2.36"], {
      env: { TMPDIR: join(this.root.path, "tmp") },
    });
    this.root.expectNoLitter();
    assert.deepEqual(readdirSync(this.root.at("tmp")), []);
    return result;
  }

  /** The one line by which it is refused; nothing in the layout has changed then. */
  refusal(): string {
    const before = execFileSync("ls", ["-lR", "--time-style=full-iso", this.layout.path], { encoding: "latin1" });
    const { status, errors, stderr } = this.rebuild();
    assert.equal(status, 1, stderr);
    assert.equal(errors.length, 1, stderr);
    assert.equal(
      execFileSync("ls", ["-lR", "--time-style=full-iso", this.layout.path], { encoding: "latin1" }),
      before,
    );
    return errors[0] ?? "";
  }

  /** The archives of the image's layers. */
  layers(): Buffer[] {
    const [descriptor] = this.layout.read("index.json")["manifests"] as Described[];
    const manifest = this.layout.read(`blobs/${descriptor?.digest.replace(":", "/")}`);
    return (manifest["layers"] as Described[]).map(({ digest }) => this.layout.bytes(digest));
  }
}

/** With an image whose first descriptor is changed. */
function withDescriptor(change: (described: Described, attacked: Attacked) => object): Attacked {
  const attacked = new Attacked();
  attacked.layout.index([change(attacked.layout.image([base]), attacked)]);
  return attacked;
}

test("control: an honest layout gets a layer with the cache and the link, and the folders on the way", () => {
  const attacked = new Attacked();
  attacked.layout.only([base]);
  const { status, stderr } = attacked.rebuild();
  expect(status, stderr).toBe(0);
  const layers = attacked.layers();
  expect(layers).toHaveLength(2);
  const list = execFileSync("tar", ["-t"], { input: layers[1], encoding: "utf8" }).trim().split("\n");
  expect(list).toEqual([
    "etc/",
    "etc/ld.so.cache",
    "usr/",
    "usr/lib/",
    "usr/lib/driver/",
    "usr/lib/driver/libcuda.so.1",
  ]);
});

describe("digests that are paths", () => {
  test.each([
    "sha256:../../../outside/secret",
    "../../index.json",
    "sha256:",
    "",
    ":",
    `sha256:${"A".repeat(64)}`,
    `sha256:${"a".repeat(63)}`,
    `sha256:${"a".repeat(64)}/..`,
    `sha256:${"a".repeat(64)}:x`,
    `sha256:\n${"a".repeat(63)}`,
    `md5:${"a".repeat(32)}`,
    `__proto__:${"a".repeat(64)}`,
    `constructor:${"a".repeat(64)}`,
    `sha256\0:${"a".repeat(64)}`,
  ])("%j", (digest) => {
    expect(withDescriptor((described) => ({ ...described, digest })).refusal()).toContain("is not a digest of");
  });

  test.each([17, null, ["sha256:a"], { sha256: "a" }])("that are no text: %j", (digest) => {
    expect(withDescriptor((described) => ({ ...described, digest })).refusal()).toContain("is not a digest of");
  });

  test("in a manifest, for the configuration and for a layer", () => {
    for (const part of ["config", "layers"] as const) {
      const attacked = new Attacked();
      const wrong = { mediaType: "x", digest: "sha256:../../../../etc/passwd", size: 1 };
      attacked.layout.only([base], { manifest: { [part]: part === "layers" ? [wrong] : wrong } });
      expect(attacked.refusal()).toContain("is not a digest of");
    }
  });
});

describe("sizes that lie", () => {
  test.each([0, 1, 2 ** 40, 2 ** 53 - 1])("%d", (size) => {
    expect(withDescriptor((described) => ({ ...described, size })).refusal()).toMatch(/bytes, not|larger than/);
  });

  test.each([-1, 1.5, 2 ** 60, "12", null])("that are none: %j", (size) => {
    expect(withDescriptor((described) => ({ ...described, size })).refusal()).toContain("its size is no number");
  });

  test("a layer of another content, or cut, or longer by a hole of 1 TB", () => {
    for (const spoil of [
      (path: string): void => writeFileSync(path, Buffer.alloc(base.length, "x")),
      (path: string): void => truncateSync(path, 512),
      (path: string): void => truncateSync(path, 2 ** 40),
    ]) {
      const attacked = new Attacked();
      attacked.layout.only([base]);
      const [layer] = attacked.layout.read(
        `blobs/${(attacked.layout.read("index.json")["manifests"] as Described[])[0]?.digest.replace(":", "/")}`,
      )["layers"] as Described[];
      spoil(attacked.at(`blobs/${layer?.digest.replace(":", "/")}`));
      expect(attacked.refusal()).toMatch(/its bytes have the sha256 digest|bytes, not/);
    }
  });
});

describe("links and whatever else in the layout", () => {
  test.each(["index.json", "oci-layout", "blobs", "blobs/sha256"])("a link in the place of %s", (name) => {
    const attacked = new Attacked();
    attacked.layout.only([base]);
    const elsewhere = join(attacked.outside, "moved");
    execFileSync("cp", ["-a", attacked.at(name), elsewhere]);
    rmSync(attacked.at(name), { recursive: true });
    symlinkSync(elsewhere, attacked.at(name));
    expect(attacked.refusal()).toContain("is not followed here");
  });

  test("a link in the place of a blob, to a file with the right bytes", () => {
    const attacked = new Attacked();
    const described = attacked.layout.image([base]);
    attacked.layout.index([described]);
    const path = attacked.at(`blobs/${described.digest.replace(":", "/")}`);
    renameSync(path, join(attacked.outside, "manifest"));
    symlinkSync(join(attacked.outside, "manifest"), path);
    expect(attacked.refusal()).toContain("is not followed here");
  });

  test.each(["index.json", "oci-layout"])("a FIFO, a device, a folder in the place of %s", (name) => {
    for (const type of ["fifo", "character", "folder"] as const) {
      const attacked = new Attacked();
      attacked.layout.only([base]);
      rmSync(attacked.at(name));
      if (type === "folder") mkdirSync(attacked.at(name));
      else attacked.root.special(`layout/${name}`, type, [1, 5]);
      expect(attacked.refusal()).toContain("not a regular file");
    }
  });

  test("what we write is planted before: links to the host under the names of the new blobs", () => {
    const first = new Attacked();
    first.layout.only([base]);
    const before = readdirSync(first.at("blobs/sha256"));
    expect(first.rebuild().status).toBe(0);
    const made = readdirSync(first.at("blobs/sha256")).filter((name) => !before.includes(name));
    expect(made).toHaveLength(3);

    const attacked = new Attacked();
    attacked.layout.only([base]);
    for (const name of made) symlinkSync(join(attacked.outside, "secret"), attacked.at(`blobs/sha256/${name}`));
    expect(attacked.rebuild().status).toBe(0);
    for (const name of made) {
      expect(lstatSync(attacked.at(`blobs/sha256/${name}`)).isFile()).toBe(true);
      expect(
        readFileSync(attacked.at(`blobs/sha256/${name}`)).equals(readFileSync(first.at(`blobs/sha256/${name}`))),
      ).toBe(true);
    }
  });

  test("a folder under the name of a new blob: the old image stays whole", () => {
    const first = new Attacked();
    first.layout.only([base]);
    const before = new Set(readdirSync(first.at("blobs/sha256")));
    first.rebuild();
    const attacked = new Attacked();
    attacked.layout.only([base]);
    for (const name of readdirSync(first.at("blobs/sha256"))) {
      if (!before.has(name)) mkdirSync(attacked.at(`blobs/sha256/${name}`));
    }
    const index = readFileSync(attacked.at("index.json"), "utf8");
    expect(attacked.rebuild().errors).toEqual([expect.stringContaining("EISDIR")]);
    expect(readFileSync(attacked.at("index.json"), "utf8")).toBe(index);
  });
});

describe("documents", () => {
  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["null", "null"],
    ["no manifests", "{}"],
    ["manifests that are none", '{"manifests":[1]}'],
    ["manifests that are no list", '{"manifests":{"length":1}}'],
    ["a hundred thousand brackets", "[".repeat(100_000)],
    ["a hundred thousand objects in each other", '{"a":'.repeat(100_000)],
  ])("index.json: %s", (_, text) => {
    const attacked = new Attacked();
    writeFileSync(attacked.at("index.json"), text);
    expect(attacked.refusal()).toMatch(/parse .*index\.json: /);
  });

  test("index.json of 1 TB, and one of ten thousand and one manifests", () => {
    const attacked = new Attacked();
    attacked.layout.only([base]);
    truncateSync(attacked.at("index.json"), 2 ** 40);
    expect(attacked.refusal()).toContain("larger than 4194304 bytes");
    const many = new Attacked();
    many.layout.index(Array.from({ length: 10_001 }, () => ({})));
    expect(many.refusal()).toContain("more than 10000 manifests");
  });

  test("indexes in indexes", () => {
    const attacked = new Attacked();
    let described: object = attacked.layout.image([base]);
    for (let depth = 0; depth < 6; depth += 1) {
      const text = JSON.stringify({ schemaVersion: 2, manifests: [described] });
      described = attacked.layout.blob(text, "application/vnd.oci.image.index.v1+json");
    }
    attacked.layout.index([described]);
    expect(attacked.refusal()).toContain("indexes in indexes");
  });

  test("a thousand layers, and fewer identities than layers", () => {
    const many = new Attacked();
    many.layout.only(Array.from({ length: 1000 }, () => base));
    expect(many.refusal()).toContain("more than 256 layers");
    const fewer = new Attacked();
    fewer.layout.only([base], { config: { rootfs: { type: "layers", diff_ids: [] } } });
    expect(fewer.refusal()).toContain("does not have the 1 layers");
  });

  test("members that JavaScript has a use for are kept as they are", () => {
    const attacked = new Attacked();
    const described = attacked.layout.image([base]);
    const text = JSON.stringify({ schemaVersion: 2, manifests: [tagged(described, "latest")] });
    const own = '"__proto__":{"manifests":[]},"constructor":7,"toJSON":"x"';
    writeFileSync(attacked.at("index.json"), `{${own},${text.slice(1)}`);
    const { status, stderr } = attacked.rebuild();
    expect(status, stderr).toBe(0);
    expect(readFileSync(attacked.at("index.json"), "utf8")).toContain(own);
  });
});

describe("layers", () => {
  test.each([
    ["plain", (bytes: Uint8Array) => bytes],
    ["packed", (bytes: Uint8Array) => gzipSync(bytes)],
  ])("another one than the configuration tells of, %s", (_, packed) => {
    const attacked = new Attacked();
    const evil = forgedTar([library("usr/lib/driver/libevil.so", "libevil.so.1")]);
    const identities = [base, base].map((bytes) => attacked.layout.blob(bytes, "").digest);
    attacked.layout.only([base, packed(evil)], { config: { rootfs: { type: "layers", diff_ids: identities } } });
    const { digest } = attacked.layout.blob(evil, "");
    const [found = "", told = ""] = [digest, identities[1]].map((text) => text?.slice("sha256:".length));
    expect(attacked.refusal()).toContain(
      `layer 2 is not what rootfs.diff_ids says: unpacked it has the sha256 digest ${found}, not ${told}`,
    );
  });

  test.each(["", "sha256:../../../index.json", 7, null, "md5:d41d8cd98f00b204e9800998ecf8427e"])(
    "an identity that is no digest: %j",
    (identity) => {
      const attacked = new Attacked();
      attacked.layout.only([base], { config: { rootfs: { type: "layers", diff_ids: [identity] } } });
      expect(attacked.refusal()).toContain("rootfs.diff_ids, layer 1: not a digest");
    },
  );

  test("one that unpacks to a thousand times its size", (context) => {
    if (program("gzip") === undefined) return context.skip("needs gzip");
    const attacked = new Attacked();
    const zeros = Buffer.concat(Array.from({ length: 18 }, () => gzipSync(Buffer.alloc(16 << 20), { level: 1 })));
    const identities = [attacked.layout.blob(base, "").digest, `sha256:${"0".repeat(64)}`];
    attacked.layout.only([base, zeros], { config: { rootfs: { type: "layers", diff_ids: identities } } });
    expect(attacked.refusal()).toContain("to more than 268435456 bytes");
  }, 60_000);

  test("four times one that unpacks to as much as one may", (context) => {
    if (program("gzip") === undefined) return context.skip("needs gzip");
    const attacked = new Attacked();
    const zeros = Buffer.alloc(100 << 20);
    const [first, other] = [base, zeros].map((bytes) => attacked.layout.blob(bytes, "").digest);
    const packed = gzipSync(zeros, { level: 9 });
    const again = <T>(one: T, each: T): T[] => [one, each, each, each, each];
    const identities = again(first, other);
    attacked.layout.only(again<Buffer>(base, packed), {
      config: { rootfs: { type: "layers", diff_ids: identities } },
    });
    expect(attacked.refusal()).toContain("to more than 268435456 bytes");
  }, 60_000);

  test.each([".wh..wh..opq", ".wh.libc.so.6", ".wh.libcuda.so.580"])(
    "a soname that would hide files in our layer: %s",
    (soname) => {
      const attacked = new Attacked();
      attacked.layout.only([base, forgedTar([library("usr/lib/driver/libevil.so", soname)])]);
      expect(attacked.refusal()).toContain("in a layer such a name stands for one that is gone");
    },
  );

  test("a soname that climbs is no name", () => {
    const attacked = new Attacked();
    attacked.layout.only([base, forgedTar([library("usr/lib/driver/libevil.so", "libx/../../.wh.etc")])]);
    const { status, stderr } = attacked.rebuild();
    expect(status, stderr).toBe(0);
    expect(execFileSync("tar", ["-t"], { input: attacked.layers()[2], encoding: "utf8" })).not.toContain(".wh.");
  });

  test("whiteouts of what is above, of the root, of everything", () => {
    const whiteouts = ["../.wh.etc", ".wh..", ".wh...", "/.wh.etc/", ".wh.", "a/.wh.b/.wh.c"];
    for (const name of whiteouts) {
      const attacked = new Attacked();
      attacked.layout.only([base, forgedTar([{ name }])]);
      expect([0, 1]).toContain(attacked.rebuild().status);
    }
    const attacked = new Attacked();
    attacked.layout.only([base, forgedTar([{ name: ".wh..wh..opq" }])]);
    const { status, stderr } = attacked.rebuild();
    expect(status, stderr).toBe(0);
  });

  test("links out of the root are links in the tree", () => {
    const attacked = new Attacked();
    const { outside } = attacked;
    attacked.layout.only([
      base,
      forgedTar([
        { name: "usr/lib/driver/libhost.so.1", type: "2", linkName: `${outside}/usr/lib/libhost.so.1.2` },
        { name: "etc/ld.so.conf", content: `/usr/lib/driver\n${outside}/usr/lib\n` },
        { name: "etc/ld.so.cache", type: "2", linkName: join(outside, "etc/ld.so.cache") },
      ]),
    ]);
    const { status, stderr } = attacked.rebuild();
    expect(status, stderr).toBe(0);
    const cache = execFileSync("tar", ["-xO", "etc/ld.so.cache"], { input: attacked.layers()[2] });
    expect(readCache(cache).entries.map(({ value }) => value)).toEqual(["/usr/lib/driver/libcuda.so.1"]);
    expect(existsSync(join(outside, "usr/lib/libcuda.so.1"))).toBe(false);
  });
});
