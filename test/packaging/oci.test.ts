import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type TestContext, expect, test } from "vitest";
import { ImageStore } from "../support/image-store.ts";
import { MACHINES, machineOf, output, packed, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

const archive = "cdi-hook-0.1.0.oci.tar";
const image = "docker.io/library/cdi-hook:0.1.0";

function archiveOf(context: TestContext): string {
  const missing = whyNoPackages("tar");
  if (missing !== undefined) context.skip(missing);
  return join(packed(["oci"]), archive);
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: { readonly architecture: string; readonly os: string };
}

test("an image layout: each blob under its digest, each descriptor true, for both architectures", (context) => {
  const base = scratchDirectory();
  output("tar", ["-xf", archiveOf(context), "-C", base]);
  const read = ({ digest, size }: Descriptor): Buffer => {
    const bytes = readFileSync(join(base, "blobs", digest.replace(":", "/")));
    expect(`sha256:${createHash("sha256").update(bytes).digest("hex")}`).toBe(digest);
    expect(bytes.length).toBe(size);
    return bytes;
  };
  const parsed = (descriptor: Descriptor): unknown => JSON.parse(read(descriptor).toString());
  expect(readFileSync(join(base, "oci-layout"), "utf8")).toBe('{"imageLayoutVersion":"1.0.0"}');
  const top = JSON.parse(readFileSync(join(base, "index.json"), "utf8")) as { manifests: Descriptor[] };
  expect(top.manifests).toHaveLength(1);
  const [index] = top.manifests;
  if (index === undefined) throw new Error("no index");
  const { manifests } = parsed(index) as { manifests: Descriptor[] };
  expect(manifests.map(({ platform }) => platform)).toEqual([
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux" },
  ]);
  let blobs = 1;
  for (const descriptor of manifests) {
    const architecture = descriptor.platform?.architecture as keyof typeof MACHINES;
    const manifest = parsed(descriptor) as { config: Descriptor; layers: Descriptor[] };
    const config = parsed(manifest.config) as { rootfs: { diff_ids: string[] } };
    expect(config).toMatchObject({ architecture, config: { Entrypoint: ["/cdi-hook"], Cmd: ["install"] } });
    const [layer, ...others] = manifest.layers;
    if (layer === undefined || others.length > 0) throw new Error("not one layer");
    const content = gunzipSync(read(layer));
    expect(config.rootfs.diff_ids).toEqual([`sha256:${createHash("sha256").update(content).digest("hex")}`]);
    const listed = spawnSync("tar", ["-tvf", "-", "--numeric-owner"], { input: content, encoding: "utf8" }).stdout;
    expect(
      listed
        .trim()
        .split("\n")
        .map((line) => line.split(/\s+/))
        .map((line) => [line[0], line[1], line[5]]),
    ).toEqual([
      ["-rwxr-xr-x", "0/0", "cdi-hook"],
      ["drwxr-xr-x", "0/0", "licenses/"],
      ["-rw-r--r--", "0/0", "licenses/LICENSE"],
      ["-rw-r--r--", "0/0", "licenses/NOTICE"],
    ]);
    const executable = spawnSync("tar", ["-xOf", "-", "cdi-hook"], { input: content, maxBuffer: 8 << 20 }).stdout;
    expect(machineOf(executable)).toBe(MACHINES[architecture]);
    blobs += 3;
  }
  expect(readdirSync(join(base, "blobs/sha256"))).toHaveLength(blobs);
});

test("podman loads it and runs it", (context) => {
  const missing = ImageStore.missing();
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const store = new ImageStore(join(base, "store"));
  expect(store.run("load", "--input", archiveOf(context))).toContain(image);
  expect(store.run(...ImageStore.container, "--read-only", "--cap-drop=all", image, "--version")).toContain("0.1.0");
});
