import { spawnSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import packageJson from "../../package.json" with { type: "json" };
import { program } from "../support/debian-root.ts";
import { containerPathOf, hostPathOf } from "../support/driver.ts";
import { executablePath, stateFor } from "../support/executable.ts";
import { ldconfigOutcome } from "../support/ldconfig-oracle.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { setStage } from "../support/stage.ts";

/** Runs the executable of a directory that becomes its `/`, without any environment. */
function runIn(directory: string, args: readonly string[], input = ""): { status: number | null; output: string } {
  const enter = process.getuid?.() === 0 ? [] : [program("unshare") ?? "unshare", "-r"];
  const [file = "", ...rest] = [...enter, program("chroot") ?? "chroot", directory, "/cdi-hook", ...args];
  const { status, stdout, stderr } = spawnSync(file, rest, { env: {}, input, encoding: "utf8" });
  return { status, output: stdout + stderr };
}

test("where there is nothing but the executable, no libc and no /proc, it prints its version", (context) => {
  if (process.getuid?.() !== 0 && spawnSync("unshare", ["-r", "true"]).status !== 0)
    context.skip("needs root or user namespaces (chroot)");
  const directory = scratchDirectory();
  copyFileSync(executablePath, join(directory, "cdi-hook"));
  const { status, output } = runIn(directory, ["--version"]);
  expect(output).toContain(packageJson.version);
  expect(status).toBe(0);
});

test("where there is nothing but the executable and a root, the hooks do their work", (context) => {
  const { root, work, pristine, driver, edits } = setStage(context);
  for (const library of driver.libraries) {
    const path = join(root, containerPathOf(driver, library));
    mkdirSync(dirname(path), { recursive: true });
    cpSync(hostPathOf(driver, library), path);
  }
  const directory = `${work}-cell`;
  mkdirSync(directory);
  renameSync(root, join(directory, "root"));
  copyFileSync(executablePath, join(directory, "cdi-hook"));
  for (const { args } of edits.hooks)
    expect(runIn(directory, args.slice(1), stateFor("/root"))).toEqual({ status: 0, output: "" });

  const started = join(directory, "root");
  const expected = `${work}-expected`;
  ldconfigOutcome(pristine, driver, started, expected);
  const [cache, expectedCache] = [started, expected].map((path) => readFileSync(join(path, "etc/ld.so.cache")));
  expect(cache?.equals(expectedCache ?? Buffer.of())).toBe(true);
  const probe = spawnSync("chroot", [started, ...probeCommand()], { encoding: "utf8" });
  expect(probe).toMatchObject({ status: 0, stdout: loaded(driver.version) });
});
