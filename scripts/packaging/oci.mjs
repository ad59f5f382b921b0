// An image of the executable and nothing else, for all architectures, as an archive in the OCI image layout.
// https://github.com/opencontainers/image-spec: image-layout.md, manifest.md, image-index.md, config.md
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { top } from "./release.mjs";
import { gzip, tar } from "./tar.mjs";

const TYPE = "application/vnd.oci.image";
const digestOf = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Writes the archive into `out`. */
export function oci({ version, description, license, mtime, image, architectures }, out) {
  const created = new Date(mtime * 1000).toISOString().replace(".000", "");
  const blobs = new Map();
  const annotations = {
    "org.opencontainers.image.created": created,
    "org.opencontainers.image.description": description,
    "org.opencontainers.image.licenses": license,
    "org.opencontainers.image.title": "cdi-hook",
    "org.opencontainers.image.version": version,
  };

  /** Keeps a blob, and gives its descriptor. */
  const blob = (type, content) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType: `${TYPE}.${type}`, digest: `sha256:${digest}`, size: bytes.length };
  };

  const manifestOf = ({ oci: architecture, executable }) => {
    const files = [
      { path: "cdi-hook", content: executable, mode: 0o755 },
      ...["LICENSE", "NOTICE"].map((name) => ({
        path: `licenses/${name}`,
        content: readFileSync(join(top, name)),
        mode: 0o644,
      })),
    ];
    const layer = tar(files, mtime);
    const config = blob("config.v1+json", {
      created,
      architecture,
      os: "linux",
      config: { User: "0:0", Entrypoint: ["/cdi-hook"], Cmd: ["install"], WorkingDir: "/", Labels: annotations },
      rootfs: { type: "layers", diff_ids: [`sha256:${digestOf(layer)}`] },
      history: [{ created, created_by: "scripts/package.mjs", comment: "the executable and its licenses" }],
    });
    const manifest = {
      schemaVersion: 2,
      mediaType: `${TYPE}.manifest.v1+json`,
      config,
      layers: [blob("layer.v1.tar+gzip", gzip(layer))],
      annotations,
    };
    return { ...blob("manifest.v1+json", manifest), platform: { architecture, os: "linux" } };
  };

  const index = blob("index.v1+json", {
    schemaVersion: 2,
    mediaType: `${TYPE}.index.v1+json`,
    manifests: architectures.map(manifestOf),
    annotations,
  });
  const named = {
    // The tag for those that read the layout, the whole name for containerd.
    "org.opencontainers.image.ref.name": version,
    "io.containerd.image.name": `${image.includes("/") ? "" : "docker.io/library/"}${image}:${version}`,
  };
  const layout = [
    { path: "oci-layout", content: `{"imageLayoutVersion":"1.0.0"}` },
    {
      path: "index.json",
      content: JSON.stringify({
        schemaVersion: 2,
        mediaType: `${TYPE}.index.v1+json`,
        manifests: [{ ...index, annotations: named }],
      }),
    },
    ...[...blobs].map(([digest, content]) => ({ path: `blobs/sha256/${digest}`, content })),
  ];
  const entries = layout.map((entry) => ({ ...entry, mode: 0o644 }));
  writeFileSync(join(out, `cdi-hook-${version}.oci.tar`), tar(entries, mtime));
}
