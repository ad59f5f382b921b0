// Writes docs/man/cdi-hook.8, the manual page, by the executable that was built.
//   node scripts/man.mjs
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const page = join(top, "docs/man/cdi-hook.8");
mkdirSync(dirname(page), { recursive: true });
writeFileSync(page, execFileSync(join(top, "dist/cdi-hook"), ["man"], { env: {} }));
