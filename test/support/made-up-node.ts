import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { scratchDirectory } from "./scratch.ts";

/** A directory that looks like the root filesystem of a node, with nothing in it that can be found. */
export function madeUpNode(): string {
  const node = scratchDirectory();
  for (const path of [
    "etc/cdi",
    "opt",
    "proc",
    "run/cdi",
    "sys",
    "tmp",
    "usr/bin",
    "usr/sbin",
    "usr/local/bin",
    "var/lib",
  ]) {
    mkdirSync(join(node, path), { recursive: true });
  }
  symlinkSync("usr/bin", join(node, "bin"));
  symlinkSync("usr/sbin", join(node, "sbin"));
  symlinkSync("/run", join(node, "var/run"));
  return node;
}
