/** What stays as it is when an image is written: owners, modes, attributes, hard links, packing. GNU tar and umoci are asked. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, lstatSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { forgeElf } from "../support/elf-forge.ts";
import { program } from "../support/debian-root.ts";
import { runHook, type RunResult } from "../support/executable.ts";
import { type Described, ForgedLayout, scratchForLayouts, tagged, whyNoLayoutTools } from "../support/oci-layout.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { forgedMember, forgedTar, paxRecords, type ForgedMember } from "../support/tar-forge.ts";

const root: readonly ForgedMember[] = [
  { name: "etc/debian_version", content: "12.11\n" },
  { name: "etc/ld.so.conf", content: "/usr/lib/driver\n" },
  { name: "usr/lib/driver/libcuda.so.580", content: forgeElf({ sonames: ["libcuda.so.1"] }) },
];
const folder = (name: string, more: Partial<ForgedMember> = {}): ForgedMember => ({
  name,
  type: "5",
  mode: 0o755,
  ...more,
});

function run(image: string, ...flags: readonly string[]): RunResult {
  return runHook(["ldcache", "rebuild", "--root", image, "--glibc", "2.36", ...flags]);
}

function rebuild(image: string, ...flags: readonly string[]): void {
  const { status, stderr } = run(image, ...flags);
  expect(status, stderr).toBe(0);
}

function archiveOf(bytes: Uint8Array, name = "root.tar"): string {
  const path = join(scratchDirectory(), name);
  writeFileSync(path, bytes);
  return path;
}

/** What GNU tar unpacks. */
function unpacked(archive: string): string {
  const directory = scratchDirectory();
  execFileSync("tar", ["-C", directory, "-xpf", archive], { stdio: "pipe" });
  return directory;
}

function rootOnly(context: TestContext, ...reasons: readonly (string | undefined)[]): void {
  if (process.getuid?.() !== 0) context.skip("needs root (owners)");
  const reason = reasons.find((each) => each !== undefined);
  if (reason !== undefined) context.skip(reason);
}

describe("an archive", () => {
  test("that only its owner may read stays so, in its place and as a copy", (context) => {
    rootOnly(context);
    const archive = archiveOf(forgedTar(root));
    chmodSync(archive, 0o600);
    chownSync(archive, 1234, 1235);
    const copy = join(archive, "../copy.tar");
    rebuild(archive, "--to", copy);
    expect(statSync(copy).mode & 0o7777).toBe(0o600);
    rebuild(archive, "--in-place");
    const { mode, uid, gid } = lstatSync(archive);
    expect([mode & 0o7777, uid, gid]).toEqual([0o600, 1234, 1235]);
    expect(existsSync(join(unpacked(archive), "etc/ld.so.cache"))).toBe(true);
  });

  test("does not take the place of a device or a FIFO", (context) => {
    rootOnly(context);
    const archive = archiveOf(forgedTar(root));
    for (const [name, ...type] of [
      ["null", "c", "1", "3"],
      ["fifo", "p"],
    ] as const) {
      const path = join(archive, "..", name);
      execFileSync("mknod", [path, ...type]);
      const { status, stderr } = run(archive, "--to", path);
      expect([status, stderr]).toEqual([1, expect.stringContaining("not a regular file")]);
      expect(lstatSync(path).isFile()).toBe(false);
    }
  });

  test("packed by bzip2 is packed by bzip2 again", (context) => {
    if (program("bzip2") === undefined) return context.skip("needs bzip2");
    const archive = archiveOf(execFileSync("bzip2", ["-c"], { input: forgedTar(root) }), "root.tar.bz2");
    rebuild(archive, "--in-place");
    expect(readFileSync(archive, "latin1").slice(0, 3)).toBe("BZh");
    expect(existsSync(join(unpacked(archive), "etc/ld.so.cache"))).toBe(true);
  });

  test.each([
    ["the target was replaced", "etc/ld.so.cache"],
    ["the link was replaced", "etc/other"],
  ])("with a hard link to what is written anew, where %s later, unpacks as before", (_, replaced) => {
    const archive = archiveOf(
      forgedTar([
        ...root,
        { name: "etc/ld.so.cache", content: "first" },
        { name: "etc/other", type: "1", linkName: "etc/ld.so.cache" },
        { name: replaced, content: "second" },
      ]),
    );
    const before = readFileSync(join(unpacked(archive), "etc/other"), "latin1");
    rebuild(archive, "--in-place");
    const directory = unpacked(archive);
    expect(readFileSync(join(directory, "etc/other"), "latin1")).toBe(before);
    expect(readFileSync(join(directory, "etc/ld.so.cache"), "latin1")).toContain("libcuda.so.1");
    expect(runHook(["ldcache", "print", "--root", archive]).status).toBe(0);
  });

  test("with an owner and a time for all members: what is new has its own", (context) => {
    rootOnly(context);
    const records = paxRecords({ uid: "1234", gid: "1235", mtime: "1000000000", uname: "daemon", gname: "daemon" });
    const global = forgedMember({ name: "global", type: "g", content: records });
    const archive = archiveOf(Buffer.concat([global, forgedTar(root)]));
    const copy = join(archive, "../copy.tar");
    rebuild(archive, "--to", copy);
    const { uid, gid, mtimeMs } = statSync(join(unpacked(copy), "etc/ld.so.cache"));
    expect([uid, gid, mtimeMs]).toEqual([0, 0, 1_000_000_000_000]);
  });
});

describe("a layout", () => {
  function forged(members: readonly ForgedMember[], config: object = {}): ForgedLayout {
    return new ForgedLayout(join(scratchForLayouts(), "layout")).only([forgedTar(members)], { config });
  }

  test("folders that the new layer has keep their extended attributes", (context) => {
    rootOnly(context, whyNoLayoutTools(), program("getfattr") === undefined ? "needs getfattr" : undefined);
    const value = "\xff of\nbytes";
    const { path } = forged([
      ...root,
      folder("etc/", { pax: { "SCHILY.xattr.user.one": value, "SCHILY.xattr.user.other": "y" } }),
      folder("usr/lib/driver/", { pax: { "SCHILY.xattr.user.deep": "z" } }),
    ]);
    const attributes = (): string => {
      const bundle = join(scratchDirectory(), "bundle");
      execFileSync("umoci", ["unpack", "--image", `${path}:latest`, bundle], { stdio: "pipe" });
      const { stdout } = spawnSync("getfattr", ["-d", "-e", "hex", "-R", "."], {
        cwd: join(bundle, "rootfs"),
        encoding: "utf8",
      });
      return stdout;
    };
    const before = attributes();
    if (!before.includes("user.deep")) return context.skip("needs a file system with user attributes");
    rebuild(`oci:${path}`);
    expect(attributes()).toBe(before);
  });

  test("index.json keeps its owner and mode; a descriptor has no data of what it was before", (context) => {
    rootOnly(context);
    const layout = new ForgedLayout(join(scratchDirectory(), "layout"));
    const first = layout.image([forgedTar(root)]);
    const embedded = ({ digest, ...rest }: Described): Described & { data: string } => ({
      ...rest,
      digest,
      data: layout.bytes(digest).toString("base64"),
    });
    const { config } = layout.read(`blobs/${first.digest.replace(":", "/")}`) as { config: Described };
    const described = layout.image([forgedTar(root)], { manifest: { config: embedded(config) } });
    layout.index([tagged(embedded(described), "latest")]);
    const index = join(layout.path, "index.json");
    chmodSync(index, 0o600);
    chownSync(index, 1234, 1235);
    rebuild(`oci:${layout.path}`);
    const { mode, uid, gid } = statSync(index);
    expect([mode & 0o7777, uid, gid]).toEqual([0o600, 1234, 1235]);
    const [written] = layout.read("index.json")["manifests"] as [Described];
    expect(Object.keys(written).sort()).toEqual(["annotations", "digest", "mediaType", "size"]);
    const manifest = layout.read(`blobs/${written.digest.replace(":", "/")}`);
    expect(Object.keys(manifest["config"] as object).sort()).toEqual(["digest", "mediaType", "size"]);
  });

  test("of a time behind the year 9999 gets one that is a time", () => {
    const layout = forged(root, { created: "9999-12-31T23:59:59-23:59" });
    rebuild(`oci:${layout.path}`);
    const [{ digest }] = layout.read("index.json")["manifests"] as [Described];
    const { config } = layout.read(`blobs/${digest.replace(":", "/")}`) as { config: Described };
    const { history } = layout.read(`blobs/${config.digest.replace(":", "/")}`) as { history: { created: string }[] };
    expect(history.at(-1)?.created).toBe("9999-12-31T23:59:59Z");
  });
});
