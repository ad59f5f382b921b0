// What a start costs, against NVIDIA's hook and ldconfig: a table on stdout and in docs/bench. Wants root, as it mounts.
//   node scripts/bench.mjs [RUNS on the small root [RUNS on the large root]]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadTypeScript } from "./load-typescript.mjs";

const here = fileURLToPath(import.meta.url);
const top = dirname(dirname(here));
const executable = join(top, "dist/cdi-hook");

function fail(reason) {
  console.error(`bench: ${reason}`);
  process.exit(1);
}

if (!existsSync(executable)) fail(`${executable} does not exist: run "npm run build" first`);
if (process.getuid() !== 0) fail("needs root, as it makes root filesystems and mounts them");
for (const program of ["gcc", "mmdebstrap", "unshare", "mount", "chroot"])
  if (spawnSync(program, ["--help"]).error !== undefined) fail(`needs ${program}`);

if (process.env["CDI_HOOK_BENCH"] === undefined) {
  const env = { ...process.env, CDI_HOOK_BENCH: "in a mount namespace" };
  const { status } = spawnSync("unshare", ["-m", process.execPath, here, ...process.argv.slice(2)], {
    stdio: "inherit",
    env,
  });
  process.exit(status ?? 1);
}

const { bench } = await loadTypeScript("scripts/bench/bench.ts");
const [smallRuns = "40", largeRuns = "15"] = process.argv.slice(2);
bench({
  executable,
  sources: join(top, "scripts/bench"),
  output: join(top, "docs/bench"),
  smallRuns: Number(smallRuns),
  largeRuns: Number(largeRuns),
});
