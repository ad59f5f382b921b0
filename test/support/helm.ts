import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { inflateRawSync } from "node:zlib";
import { cached } from "./debian-root.ts";

/** Helm 3.8, which an npm package of Amazon's carries for x86-64, in a zip file; undefined on another machine. */
export function helm(): string | undefined {
  if (process.arch !== "x64") return undefined;
  const path = cached("helm-3.8.1");
  if (existsSync(path)) return path;
  const home = dirname(createRequire(import.meta.url).resolve("@aws-cdk/asset-kubectl-v20/package.json"));
  const partial = `${path}.${process.pid}.partial`;
  writeFileSync(partial, unzip(readFileSync(join(home, "lib/layer.zip")), "helm/helm"), { mode: 0o755 });
  renameSync(partial, path);
  return path;
}

/** One deflated file of a zip archive, found in its central directory (APPNOTE.TXT, 4.3.12 and 4.3.7). */
function unzip(archive: Buffer, wanted: string): Buffer {
  const end = archive.lastIndexOf("PK\u0005\u0006", undefined, "latin1");
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [name, extra, comment] = [28, 30, 32].map((offset) => archive.readUInt16LE(at + offset));
    const size = archive.readUInt32LE(at + 20);
    const local = archive.readUInt32LE(at + 42);
    if (archive.toString("latin1", at + 46, at + 46 + (name ?? 0)) === wanted) {
      const data = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
      return inflateRawSync(archive.subarray(data, data + size));
    }
    at += 46 + (name ?? 0) + (extra ?? 0) + (comment ?? 0);
  }
  throw new Error(`the archive has no ${wanted}`);
}
