/** `ldcache` on OCI layouts and archives, with what Debian's tools make of them before and after. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, type TestContext } from "vitest";
import { program, whyNoDebianRoot } from "../support/debian-root.ts";
import { runHook, type RunResult } from "../support/executable.ts";
import { loadableLibrary } from "../support/loadable-library.ts";
import { ForgedLayout, scratchForLayouts, umociLayout, whyNoLayoutTools } from "../support/oci-layout.ts";
import { makePerlRoot } from "../support/perl-root.ts";
import { probeCommand } from "../support/probe.ts";
import { podmanMissing, runPodman } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { forgedMember } from "../support/tar-forge.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const probed = [{ library: "libcuda.so.1", symbol: "cuInit" }];
const loaded = "libcuda.so.1: cuInit of the test\n";
const unavailable = whyNoDebianRoot() ?? (process.arch === "x64" ? undefined : "needs x86-64");

let top: string;
/** The root without a cache, and without the driver's links. */
let root: string;
/** The same root as ldconfig leaves it. */
let wanted: string;

beforeAll(() => {
  if (unavailable !== undefined) return;
  top = mkdtempSync(join(tmpdir(), "cdi-hook-images-"));
  root = join(top, "root");
  makePerlRoot(root);
  mkdirSync(join(root, "opt/driver"), { recursive: true });
  writeFileSync(
    join(root, "opt/driver/libcuda.so.580.1"),
    loadableLibrary({ soname: "libcuda.so.1", symbol: "cuInit", text: "cuInit of the test\n" }),
  );
  writeFileSync(
    join(root, "opt/driver/libother.so"),
    loadableLibrary({ soname: "libother.so.2", symbol: "f", text: "" }),
  );
  symlinkSync("nowhere", join(root, "opt/driver/libgone.so.1"));
  writeFileSync(join(root, "etc/ld.so.conf.d/driver.conf"), "/opt/driver\n");
  wanted = join(top, "wanted");
  execFileSync("cp", ["-a", root, wanted]);
  execFileSync("ldconfig", ["-r", wanted, "-i"]);
}, 300_000);
afterAll(() => {
  if (top !== undefined) rmSync(top, { recursive: true, force: true });
});

function ready(context: TestContext, ...reasons: readonly (string | undefined)[]): void {
  const reason = [unavailable, ...reasons].find((each) => each !== undefined);
  if (reason !== undefined) context.skip(reason);
}

function rebuild(image: string, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): RunResult {
  const result = runHook(["ldcache", "rebuild", "--root", image, ...flags], { env });
  expect(result.status, result.stderr).toBe(0);
  return result;
}

/** A tree as far as an image has to keep it; the time of folders is nobody's promise. */
const differences = (one: string, other: string): string[] => {
  const without = ["/var/cache", "/dev", "/proc", "/sys"];
  return compareListings(listTree(one, { without }), listTree(other, { without }));
};

describe("an OCI layout", () => {
  const packings = ["gzip", "zstd"] as const;

  function layoutOf(packing: (typeof packings)[number]): string {
    const folder = scratchForLayouts();
    const layout = join(folder, "layout");
    umociLayout(layout, [root]);
    if (packing === "gzip") return layout;
    const packed = join(folder, "packed");
    execFileSync(
      "skopeo",
      ["copy", "--quiet", `--dest-compress-format=${packing}`, `oci:${layout}:latest`, `oci:${packed}:latest`],
      { stdio: "pipe" },
    );
    return packed;
  }

  for (const packing of packings) {
    test(`of umoci, ${packing}: podman's container loads by our cache`, (context) => {
      ready(
        context,
        whyNoLayoutTools(),
        podmanMissing("runc"),
        program("zstd") === undefined ? "needs zstd" : undefined,
      );
      const layout = layoutOf(packing);
      const run = (): unknown => {
        const { status, stdout, stderr } = runPodman({
          runtime: "runc",
          root: `oci:${layout}:latest`,
          readonly: false,
          args: probeCommand(probed),
        });
        return { status, stdout, stderr: status === 0 || status === 1 ? "" : stderr };
      };
      expect(run()).toEqual({ status: 1, stdout: "libcuda.so.1: not loaded\n", stderr: "" });
      const copy = join(scratchDirectory(), "copy");
      cpSync(layout, copy, { recursive: true });
      const told = rebuild(`oci:${layout}:latest`);
      expect(told.stdout.toString()).toContain("links: 2 made, 1 removed");
      expect(run()).toEqual({ status: 0, stdout: loaded, stderr: "" });
      rebuild(`oci:${copy}:latest`, [], { TMPDIR: scratchDirectory() });
      expect(spawnSync("diff", ["-r", layout, copy], { encoding: "utf8" }).stdout, "twice the same bytes").toBe("");
    });
  }

  test("of umoci: skopeo and umoci read what is written, and unpack what ldconfig makes of a folder", (context) => {
    ready(context, whyNoLayoutTools());
    const layout = layoutOf("gzip");
    rebuild(`oci:${layout}`, [], { SOURCE_DATE_EPOCH: "1700000000" });
    const image = `${layout}:latest`;
    const copied = join(scratchDirectory(), "copied");
    execFileSync("skopeo", ["copy", "--quiet", `oci:${image}`, `dir:${copied}`], { stdio: "pipe" });
    const bundle = join(scratchDirectory(), "bundle");
    execFileSync("umoci", ["unpack", "--image", image, bundle], { stdio: "pipe" });
    expect(differences(join(bundle, "rootfs"), wanted)).toEqual([]);
    const { history } = JSON.parse(
      execFileSync("skopeo", ["inspect", "--config", `oci:${image}`], { encoding: "utf8" }),
    ) as { history: object[] };
    expect(history.at(-1)).toEqual({ created: "2023-11-14T22:13:20Z", created_by: "cdi-hook ldcache rebuild" });
    const cache = join(bundle, "rootfs/etc/ld.so.cache");
    expect(Number(execFileSync("stat", ["-c", "%Y", cache], { encoding: "utf8" }))).toBe(1_700_000_000);
  });

  test("that needs nothing is left as it is; a new tag of it is the same image", (context) => {
    ready(context);
    const layer = execFileSync("tar", ["-C", wanted, "-c", "."], { maxBuffer: 64 << 20 });
    const layout = new ForgedLayout(join(scratchDirectory(), "layout")).only([layer]);
    const before = readFileSync(join(layout.path, "index.json"), "utf8");
    expect(rebuild(`oci:${layout.path}`).stdout.toString()).toContain("unchanged, 8 entries; links: unchanged");
    expect(readFileSync(join(layout.path, "index.json"), "utf8")).toBe(before);
    expect(readdirSync(join(layout.path, "blobs/sha256"))).toHaveLength(3);
    rebuild(`oci:${layout.path}:latest`, ["--to", "again"]);
    const { manifests } = layout.read("index.json");
    const [old, added] = manifests as [{ digest: string }, { digest: string; annotations: object }];
    expect(added).toEqual({ ...old, annotations: { "org.opencontainers.image.ref.name": "again" } });
  });

  test("a new tag leaves the old image where it is", (context) => {
    ready(context);
    const layer = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 << 20 });
    const layout = new ForgedLayout(join(scratchDirectory(), "layout")).only([layer]);
    const [old] = layout.read("index.json")["manifests"] as [object];
    rebuild(`oci:${layout.path}:latest`, ["--to", "cached"]);
    const [first, second] = layout.read("index.json")["manifests"] as [object, { digest: string }];
    expect(first).toEqual(old);
    const manifest = layout.read(`blobs/${second.digest.replace(":", "/")}`);
    expect(manifest["layers"]).toHaveLength(2);
    expect((manifest["layers"] as { mediaType: string }[])[1]?.mediaType).toBe(
      "application/vnd.oci.image.layer.v1.tar",
    );
    expect(runHook(["ldcache", "print", "--root", `oci:${layout.path}:latest`]).status).toBe(1);
    expect(runHook(["ldcache", "print", "--root", `oci:${layout.path}:cached`]).stdout.toString()).toContain(
      "libcuda.so.1 (libc6,x86-64) => /opt/driver/libcuda.so.1",
    );
  });

  test("for several platforms: one is chosen, and its index written anew", (context) => {
    ready(context);
    const layer = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 << 20 });
    const layout = new ForgedLayout(join(scratchDirectory(), "layout"));
    const platform = (architecture: string): object => ({
      ...layout.image([layer], { architecture }),
      platform: { os: "linux", architecture },
    });
    const manifests = [
      platform("arm64"),
      platform("amd64"),
      { ...layout.image([]), platform: { os: "unknown", architecture: "unknown" } },
    ];
    const index = JSON.stringify({ schemaVersion: 2, manifests });
    layout.index([layout.blob(index, "application/vnd.oci.image.index.v1+json")]);
    rebuild(`oci:${layout.path}`);
    const [{ digest }] = layout.read("index.json")["manifests"] as [{ digest: string }];
    const written = layout.read(`blobs/${digest.replace(":", "/")}`)["manifests"] as { digest: string }[];
    expect(written.map((each, at) => each.digest === (manifests[at] as { digest: string }).digest)).toEqual([
      true,
      false,
      true,
    ]);
    rebuild(`oci:${layout.path}@linux/arm64`);
    const none = runHook(["ldcache", "print", "--root", `oci:${layout.path}@linux/s390x`]);
    expect(none.stderr).toContain("no image is for linux/s390x; there are: linux/arm64, linux/amd64");
  });

  test("of Docker's manifest gets a layer of Docker's type; what a killed process left is removed", (context) => {
    ready(context);
    const layer = execFileSync("tar", ["-C", root, "-c", "."], { maxBuffer: 64 << 20 });
    const docker = "application/vnd.docker";
    const layout = new ForgedLayout(join(scratchDirectory(), "layout"));
    const mediaType = `${docker}.distribution.manifest.v2+json`;
    layout.index([{ ...layout.image([layer], { manifest: { mediaType } }), mediaType }]);
    const left = [".cdi-hook-4000000000-0123456789abcdef", "blobs/sha256/.cdi-hook-4000000000-0123456789abcdef"];
    for (const name of left) writeFileSync(join(layout.path, name), "half");
    rebuild(`oci:${layout.path}`);
    expect(left.filter((name) => existsSync(join(layout.path, name)))).toEqual([]);
    const [{ digest, ...written }] = layout.read("index.json")["manifests"] as [{ digest: string; mediaType: string }];
    expect(written.mediaType).toBe(mediaType);
    const manifest = layout.read(`blobs/${digest.replace(":", "/")}`);
    expect(manifest["mediaType"]).toBe(mediaType);
    expect((manifest["layers"] as { mediaType: string }[])[1]?.mediaType).toBe(`${docker}.image.rootfs.diff.tar`);
  });

  test("verify and explain read it as well", (context) => {
    ready(context);
    const layer = execFileSync("tar", ["-C", wanted, "-c", "."], { maxBuffer: 64 << 20 });
    const layout = new ForgedLayout(join(scratchDirectory(), "layout")).only([layer]);
    const verified = runHook(["ldcache", "verify", "--root", `oci:${layout.path}`]);
    expect(verified.status, verified.stdout.toString() + verified.stderr).toBe(0);
    const explained = runHook(["ldcache", "explain", "--root", `oci:${layout.path}`, "libcuda.so.1"]);
    expect(explained.stdout.toString(), explained.stderr).toContain("/opt/driver/libcuda.so.1");
  });

  test("buildah's, committed from scratch, is read", (context) => {
    ready(context, program("buildah") === undefined ? "needs buildah" : undefined);
    const folder = scratchDirectory();
    const script = `
      set -e
      state=$1; shift
      buildah() { command buildah --root "$state/storage" --runroot "$state/run" --storage-driver vfs "$@"; }
      c=$(buildah from scratch); buildah add -q "$c" "$1" / >&2; buildah commit -q --rm "$c" "oci:$2:built" >&2
      buildah rm -a >&2 || true`;
    execFileSync("sh", ["-c", script, "sh", join(folder, "state"), root, join(folder, "layout")], { stdio: "pipe" });
    expect(rebuild(`oci:${folder}/layout:built`).stdout.toString()).toContain("written, 8 entries");
  });
});

describe("a tar archive", () => {
  function archiveOf(folder: string, name: string, ...options: readonly string[]): string {
    const path = join(scratchDirectory(), name);
    execFileSync("tar", ["-C", folder, ...options, "-cf", path, "."]);
    return path;
  }

  function unpack(path: string): string {
    const folder = scratchDirectory();
    execFileSync("tar", ["-C", folder, "-xpf", path]);
    return folder;
  }

  test.for([
    ["plain.tar", []],
    ["packed.tar.gz", ["-z"]],
    ["packed.tar.zst", ["--zstd"]],
    ["sparse.tar", ["--format=posix", "--sparse"]],
    ["gnu.tar", ["--format=gnu"]],
  ] as const)("%s gets what ldconfig makes of a folder", ([name, options], context) => {
    ready(context, program("zstd") === undefined ? "needs zstd" : undefined);
    const archive = archiveOf(root, name, ...options);
    const before = readFileSync(archive);
    const output = join(scratchDirectory(), name);
    const told = rebuild(archive, ["--to", output]);
    expect(told.stdout.toString()).toContain("links: 2 made, 1 removed");
    expect(differences(unpack(output), wanted)).toEqual([]);
    expect(readFileSync(archive).equals(before), "the archive itself is not touched").toBe(true);
    const again = join(scratchDirectory(), name);
    rebuild(archive, ["--to", again]);
    expect(readFileSync(again).equals(readFileSync(output)), "twice the same bytes").toBe(true);
    expect(rebuild(output, ["--in-place"]).stdout.toString()).toContain("links: unchanged");
    expect(readFileSync(again).equals(readFileSync(output)), "and nothing to do").toBe(true);
  });

  test("is changed in its place when that is asked for, and not by mistake", (context) => {
    ready(context);
    const archive = archiveOf(root, "root.tar");
    const refused = runHook(["ldcache", "rebuild", "--root", archive]);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining("--to FILE")]);
    rebuild(archive, ["--in-place"]);
    expect(differences(unpack(archive), wanted)).toEqual([]);
    expect(readdirSync(join(archive, ".."))).toEqual(["root.tar"]);
  });

  test("keeps its members as they are; the cache's old member, wherever it is and however often, is left out", (context) => {
    ready(context);
    const stale = scratchDirectory();
    mkdirSync(join(stale, "etc"));
    writeFileSync(join(stale, "etc/ld.so.cache"), "old");
    const archive = join(scratchDirectory(), "root.tar");
    execFileSync("tar", ["-C", stale, "-cf", archive, "etc/ld.so.cache"]);
    execFileSync("tar", ["-C", root, "-rf", archive, "."]);
    execFileSync("tar", ["-C", stale, "-rf", archive, "./etc/ld.so.cache"]);
    const list = (path: string): string[] =>
      execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");
    const before = list(archive);
    rebuild(archive, ["--in-place"]);
    const gone = new Set(["etc/ld.so.cache", "./etc/ld.so.cache", "./opt/driver/libgone.so.1"]);
    expect(list(archive)).toEqual([
      ...before.filter((name) => !gone.has(name)),
      "etc/ld.so.cache",
      "opt/driver/libcuda.so.1",
      "opt/driver/libother.so.2",
    ]);
  });

  test("diff and print take archives and layouts as they take folders", (context) => {
    ready(context);
    const archive = archiveOf(wanted, "wanted.tar.gz", "-z");
    const printed = runHook(["ldcache", "print", "--root", archive]);
    expect(printed.stdout.toString()).toBe(runHook(["ldcache", "print", "--root", wanted]).stdout.toString());
    const same = runHook(["ldcache", "diff", archive, wanted]);
    expect([same.status, same.stderr]).toEqual([0, ""]);
  });

  test.for([
    ["xz", "-J"],
    ["bzip2", "-j"],
  ] as const)("packed by %s is read", ([name, option], context) => {
    ready(context, program(name) === undefined ? `needs ${name}` : undefined);
    const folder = scratchDirectory();
    cpSync(join(wanted, "etc/ld.so.cache"), join(folder, "etc/ld.so.cache"));
    const archive = archiveOf(folder, `a.tar.${name}`, option);
    expect(runHook(["ldcache", "print", "--root", archive]).stdout.toString()).toContain("8 libs found");
  });

  test("of a format whose program is missing is refused, and the program named", (context) => {
    ready(context, program("unshare") === undefined ? "needs unshare" : undefined);
    const archive = archiveOf(wanted, "wanted.tar.zst", "--zstd");
    // A root in which there are no programs.
    const jail = scratchDirectory();
    cpSync(
      process.env["CDI_HOOK_EXECUTABLE"] ?? join(import.meta.dirname, "../../dist/cdi-hook"),
      join(jail, "cdi-hook"),
    );
    cpSync(archive, join(jail, "a.tar.zst"));
    const run = spawnSync("chroot", [jail, "/cdi-hook", "ldcache", "print", "--root", "/a.tar.zst"], {
      encoding: "utf8",
    });
    expect([run.status, run.stderr]).toEqual([
      1,
      "cdi-hook: error: ldcache print: unpack /a.tar.zst: needs the program zstd, which is not on this machine\n",
    ]);
  });

  test("of a hundred thousand members, in one folder and in many", (context) => {
    ready(context);
    const folder = scratchDirectory();
    const header = forgedMember({ name: "0" });
    const member = (name: string): Buffer => {
      const bytes = Buffer.from(header);
      bytes.write(name, 0, "latin1");
      const sum = bytes.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
      bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      return bytes;
    };
    const many = Array.from({ length: 100_000 }, (_, at) => member(`data/${at % 2 === 0 ? "all" : at % 999}/${at}`));
    const archive = join(folder, "many.tar");
    writeFileSync(archive, Buffer.concat(many));
    execFileSync("tar", ["-C", root, "-rf", archive, "."]);
    const output = join(folder, "out.tar");
    const told = runHook(["ldcache", "rebuild", "--root", archive, "--to", output], { timeout: 240_000 });
    expect(told.stdout.toString(), told.stderr).toContain("written, 8 entries");
    expect(
      execFileSync("tar", ["-tf", output], { maxBuffer: 64 << 20 })
        .toString()
        .split("\n").length,
    ).toBeGreaterThan(100_000);
  }, 300_000);

  test("of 2 GB is gone through once, and most of it not at all", (context) => {
    ready(context, program("strace") === undefined ? "needs strace" : undefined);
    const folder = scratchDirectory();
    execFileSync("cp", ["-a", root, join(folder, "root")]);
    for (const name of ["a", "b", "c", "d"]) {
      const path = join(folder, "root/opt", `${name}.data`);
      execFileSync("truncate", ["-s", "512M", path]);
    }
    const archive = join(folder, "large.tar");
    const made = spawnSync("sh", [
      "-c",
      'tar -C "$1" -c . | dd of="$2" bs=1M conv=sparse iflag=fullblock status=none',
      "sh",
      join(folder, "root"),
      archive,
    ]);
    expect(made.status, String(made.stderr)).toBe(0);
    expect(statSync(archive).size).toBeGreaterThan(2 ** 31);
    const trace = join(folder, "trace");
    const output = join(folder, "cache");
    const executable = process.env["CDI_HOOK_EXECUTABLE"] ?? join(import.meta.dirname, "../../dist/cdi-hook");
    const traced = spawnSync(
      "strace",
      ["-f", "-y", "-o", trace, "-e", "trace=read,pread64,readv,preadv,mmap", executable].concat([
        "ldcache",
        "rebuild",
        "--root",
        archive,
        "--output",
        output,
      ]),
      { encoding: "utf8" },
    );
    expect(traced.status, traced.stderr).toBe(0);
    expect(readFileSync(output).equals(readFileSync(join(wanted, "etc/ld.so.cache")))).toBe(true);
    const reads = readFileSync(trace, "latin1")
      .split("\n")
      .filter((line) => line.includes("large.tar>"));
    let total = 0;
    for (const line of reads) total += Number(/ = (\d+)$/.exec(line)?.[1] ?? 0);
    expect(reads.length).toBeGreaterThan(10);
    expect(total).toBeGreaterThan(100_000);
    // Headers, and of libraries what ldconfig reads; not the 2 GB of data.
    expect(total).toBeLessThan(8 << 20);
  });
});
