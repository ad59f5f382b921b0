import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { cached, program } from "./debian-root.ts";

const stored = resolve(import.meta.dirname, "../../../shared/peers");

/**
 * A program that is kept, compressed, beside this checkout, or undefined where it is not. It is unpacked at the first call.
 *
 * @param name such as `runsc-20260822`
 */
export function peer(name: string): string | undefined {
  const packed = join(stored, `${name}.xz`);
  const path = cached(name);
  if (existsSync(path)) return path;
  if (!existsSync(packed) || program("xz") === undefined) return undefined;
  const partial = `${path}.${process.pid}.partial`;
  const output = openSync(partial, "w", 0o755);
  const { status } = spawnSync("xz", ["-dc", packed], { stdio: ["ignore", output, "inherit"] });
  closeSync(output);
  if (status !== 0) return undefined;
  renameSync(partial, path);
  return path;
}
