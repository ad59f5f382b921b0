/** OCI layouts, made by hand or by Debian's tools. */
import { execFileSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { onTestFinished } from "vitest";
import { program } from "./debian-root.ts";

export interface Described {
  mediaType: string;
  digest: string;
  size: number;
}

const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** A layout that is written blob by blob. */
export class ForgedLayout {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    mkdirSync(join(path, "blobs/sha256"), { recursive: true });
    writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  }

  blob(bytes: Uint8Array | string, mediaType: string): Described {
    const content = Buffer.from(bytes);
    const digest = digestOf(content);
    writeFileSync(join(this.path, "blobs", digest.replace(":", "/")), content);
    return { mediaType, digest, size: content.length };
  }

  /** Writes an image of tar archives, packed by gzip or not, with these members of manifest and configuration on top. */
  image(
    layers: readonly Uint8Array[],
    more: { readonly manifest?: object; readonly config?: object; readonly architecture?: string } = {},
  ): Described {
    const plain = layers.map((layer) => (layer[0] === 0x1f ? gunzipSync(layer) : layer));
    const config = {
      created: "2024-05-06T07:08:09.123456789Z",
      architecture: more.architecture ?? "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: plain.map(digestOf) },
      history: layers.map((_, at) => ({ created: "2024-05-06T07:08:09Z", created_by: `layer ${at}` })),
      ...more.config,
    };
    const type = "application/vnd.oci.image";
    const manifest = {
      schemaVersion: 2,
      config: this.blob(JSON.stringify(config), `${type}.config.v1+json`),
      layers: layers.map((layer) => this.blob(layer, `${type}.layer.v1.tar${layer[0] === 0x1f ? "+gzip" : ""}`)),
      ...more.manifest,
    };
    return this.blob(JSON.stringify(manifest), `${type}.manifest.v1+json`);
  }

  index(manifests: readonly object[]): this {
    writeFileSync(join(this.path, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
    return this;
  }

  /** The image of these layers, as the one with the tag `latest`. */
  only(layers: readonly Uint8Array[], more: Parameters<ForgedLayout["image"]>[1] = {}): this {
    return this.index([tagged(this.image(layers, more), "latest")]);
  }

  /** A document of the layout. */
  read(name: string): Record<string, unknown> {
    return JSON.parse(readFileSync(join(this.path, name), "utf8")) as Record<string, unknown>;
  }

  /** A blob's bytes. */
  bytes(digest: string): Buffer {
    return readFileSync(join(this.path, "blobs", digest.replace(":", "/")));
  }
}

/** As scratchDirectory, for layouts: to podman and buildah an image's name has no capitals. */
export function scratchForLayouts(): string {
  const path = join(tmpdir(), `cdi-hook-layout-${randomBytes(6).toString("hex")}`);
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  mkdirSync(path);
  return path;
}

/** A descriptor with a tag. */
export function tagged(described: Described, tag: string): object {
  return { ...described, annotations: { "org.opencontainers.image.ref.name": tag } };
}

/** Why Debian's tools cannot make layouts here, or undefined when they can. */
export function whyNoLayoutTools(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root (umoci)";
  const absent = ["umoci", "skopeo"].find((name) => program(name) === undefined);
  return absent === undefined ? undefined : `needs ${absent}`;
}

/** A layout whose image `latest` has the folders as layers, one on the other, packed by gzip: made by umoci. */
export function umociLayout(path: string, folders: readonly string[]): void {
  const umoci = (...args: readonly string[]): unknown => execFileSync("umoci", args, { stdio: "pipe" });
  umoci("init", "--layout", path);
  umoci("new", "--image", `${path}:latest`);
  for (const folder of folders) umoci("insert", "--image", `${path}:latest`, folder, "/");
}
