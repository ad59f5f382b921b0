// The demonstration: a container without and with its hooks. `npm run build` comes before it.
//   node scripts/demo.mjs
import { build } from "esbuild";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const executable = join(top, "dist/cdi-hook");

if (!existsSync(executable)) {
  console.error(`demo: ${executable} does not exist: run "npm run build" first`);
  process.exit(1);
}
// What sets the stage is the tests' TypeScript, which Node cannot run by itself.
const outfile = join(top, "dist/build/demo.mjs");
mkdirSync(dirname(outfile), { recursive: true });
await build({
  entryPoints: [join(top, "scripts/demo.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  packages: "external",
  logLevel: "error",
});
const { demonstrate } = await import(pathToFileURL(outfile).href);
process.exitCode = demonstrate(executable);
