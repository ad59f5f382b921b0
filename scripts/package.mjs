// Packs cdi-hook for those who install it, from executables that it builds first.
//   node scripts/package.mjs [deb|rpm|npm|oci|helm|kustomize ...] [--arch x86_64|arm64 ...] [--out DIR] [--revision N]
//                            [--maintainer "NAME <MAIL>"] [--image NAME]
// Without a kind, all of them; without an architecture, both. The same sources and SOURCE_DATE_EPOCH (by default the time of the commit) make the same bytes.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { deb } from "./packaging/deb.mjs";
import { helm, kustomize } from "./packaging/kubernetes.mjs";
import { npm } from "./packaging/npm.mjs";
import { oci } from "./packaging/oci.mjs";
import { release, top } from "./packaging/release.mjs";
import { rpm } from "./packaging/rpm.mjs";

const KINDS = { deb, rpm, npm, oci, helm, kustomize };

try {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: "string", default: join(top, "dist/packages") },
      arch: { type: "string", multiple: true, default: [] },
      revision: { type: "string", default: "1" },
      maintainer: { type: "string", default: "The cdi-hook authors <cdi-hook@localhost>" },
      image: { type: "string", default: "cdi-hook" },
    },
  });
  const unknown = positionals.find((kind) => KINDS[kind] === undefined);
  if (unknown !== undefined) throw new Error(`no kind "${unknown}"; there are ${Object.keys(KINDS).join(", ")}`);
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const work = mkdtempSync(join(tmpdir(), "cdi-hook-package-"));
  try {
    const packed = release(values);
    for (const kind of positionals.length === 0 ? Object.keys(KINDS) : positionals) KINDS[kind](packed, out, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  console.log(`packages in ${out}`);
} catch (error) {
  console.error(`package: ${error.message}`);
  process.exit(1);
}
