// TypeScript for Node, which cannot run it by itself: what scripts share with the tests.
import { build } from "esbuild";
import { mkdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));

/** The exports of a TypeScript file, given by its path from the top of the checkout. */
export async function loadTypeScript(path) {
  const outfile = join(top, "dist/build", basename(path).replace(/\.ts$/, ".mjs"));
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [join(top, path)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  return import(pathToFileURL(outfile).href);
}
