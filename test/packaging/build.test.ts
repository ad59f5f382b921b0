/** `npm run build` where something is in its way. */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { copyCheckout } from "../support/checkout.ts";
import { executablePath } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";

interface Outcome {
  readonly status: number | null;
  readonly output: string;
}

async function build(checkout: string, environment: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const child = spawn(process.execPath, ["scripts/build.mjs"], {
    cwd: checkout,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const status = new Promise<number | null>((done) => child.on("close", done));
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { status: await status, output: out + error };
}

test("three builds at once in one checkout: one does it, the others wait for that", async (context) => {
  if (spawnSync("flock", ["--version"]).error !== undefined) context.skip("needs flock");
  const checkout = join(scratchDirectory(), "checkout");
  copyCheckout(checkout);
  const outcomes = await Promise.all([build(checkout), build(checkout), build(checkout)]);
  expect(outcomes.filter(({ status }) => status !== 0)).toEqual([]);
  expect(outcomes.filter(({ output }) => output.includes("up to date"))).toHaveLength(2);
  expect(readFileSync(join(checkout, "dist/cdi-hook")).equals(readFileSync(executablePath))).toBe(true);
});

test("no folder for QuickJS: one line says so", async () => {
  const checkout = join(scratchDirectory(), "checkout");
  copyCheckout(checkout);
  const { status, output } = await build(checkout, { XDG_CACHE_HOME: resolve(checkout, "package.json") });
  expect(output).toMatch(/^build: no folder for QuickJS \(XDG_CACHE_HOME chooses another\): ENOTDIR[^\n]*\n$/);
  expect(status).toBe(1);
});
