// The demonstration: a container without and with its hooks. `npm run build` comes before it.
//   node scripts/demo.mjs
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTypeScript } from "./load-typescript.mjs";

const executable = join(dirname(dirname(fileURLToPath(import.meta.url))), "dist/cdi-hook");

if (!existsSync(executable)) {
  console.error(`demo: ${executable} does not exist: run "npm run build" first`);
  process.exit(1);
}
const { demonstrate } = await loadTypeScript("scripts/demo.ts");
process.exitCode = demonstrate(executable);
