import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll } from "vitest";
import { program } from "./debian-root.ts";

const top = resolve(import.meta.dirname, "../..");

/** The time of everything that tests pack. */
export const packedAt = 1_700_000_000;

export type Kind = "deb" | "rpm" | "npm" | "oci" | "helm" | "kustomize";

/** The machine of an executable, as its ELF header has it. */
export const MACHINES = { amd64: 62, arm64: 183 } as const;

/** The machine in an ELF header. */
export const machineOf = (executable: Buffer): number => executable.readUInt16LE(18);

/** Why these packages cannot be made here, or undefined when they can. */
export function whyNoPackages(...programs: readonly string[]): string | undefined {
  const missing = ["aarch64-linux-gnu-gcc", ...programs].find((name) => program(name) === undefined);
  return missing === undefined ? undefined : `needs ${missing}`;
}

/**
 * Makes packages with `npm run package`, in `out`, and gives the names there.
 *
 * @param checkout whose script runs; this one unless given
 */
export function pack(kinds: readonly Kind[], out: string, words: readonly string[] = [], checkout = top): string[] {
  mkdirSync(out, { recursive: true });
  execFileSync(process.execPath, [join(checkout, "scripts/package.mjs"), ...kinds, "--out", out, ...words], {
    cwd: checkout,
    env: { ...process.env, SOURCE_DATE_EPOCH: String(packedAt) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return readdirSync(out).sort();
}

const folders = new Map<string, string>();

afterAll(() => {
  for (const folder of folders.values()) rmSync(folder, { recursive: true, force: true });
});

/** A folder with packages that are made once for all tests of a file. */
export function packed(kinds: readonly Kind[], words: readonly string[] = []): string {
  const key = JSON.stringify([kinds, words]);
  const made = folders.get(key);
  if (made !== undefined) return made;
  const folder = mkdtempSync(join(tmpdir(), "cdi-hook-packages-"));
  folders.set(key, folder);
  pack(kinds, folder, words);
  return folder;
}

/** Runs a program to its end, and gives what it printed; throws with that when it fails. */
export function output(
  command: string,
  args: readonly string[],
  options: { cwd?: string; input?: string } = {},
): string {
  const done = spawnSync(program(command) ?? command, args, { encoding: "utf8", maxBuffer: 64 << 20, ...options });
  if (done.status === 0) return done.stdout;
  throw new Error(`${command} ${args.join(" ")}: ${done.error?.message ?? `${done.stdout}${done.stderr}`}`);
}
