// Builds the executable and runs the whole suite. The last line of its output is `N passed, N failed, N skipped`.
//   node scripts/test.mjs [--setup] [arguments of vitest]
import { spawn, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { prepare } from "./setup.mjs";

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const args = process.argv.slice(2);
const vitestArguments = args.filter((argument) => argument !== "--setup");

/** Prints the last line and sets the exit status; a run that ended badly has at least one failure. */
function end({ passed, failed, skipped }, endedWell) {
  const failures = endedWell ? failed : Math.max(failed, 1);
  console.log(`\n${passed} passed, ${failures} failed, ${skipped} skipped`);
  process.exitCode = failures === 0 ? 0 : 1;
}

/** Runs vitest; the reporter in test/support/summary-reporter.ts sends the numbers. */
function runTests() {
  return new Promise((resolve, reject) => {
    let tally;
    const child = spawn(process.execPath, [join(top, "node_modules/vitest/vitest.mjs"), "run", ...vitestArguments], {
      cwd: top,
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    child.on("message", (message) => (tally = message));
    child.on("error", reject);
    child.on("close", (status, signal) => resolve({ tally, status, signal }));
  });
}

if (args.includes("--setup") || process.env["CDI_HOOK_SETUP"] === "1") prepare("test");

const nothing = { passed: 0, failed: 0, skipped: 0 };
const build = spawnSync(process.execPath, [join(top, "scripts/build.mjs")], { cwd: top, stdio: "inherit" });
if (build.status === 0) {
  const { tally, status, signal } = await runTests();
  if (tally === undefined) console.error(`test: vitest ended without a result (${signal ?? `status ${status}`})`);
  end(tally ?? nothing, tally !== undefined && status === 0);
} else {
  console.error("test: the build failed, so nothing was tested");
  end(nothing, false);
}
