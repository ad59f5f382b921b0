import { cpSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { output } from "./packages.ts";

const top = resolve(import.meta.dirname, "../..");
const sources = [
  "CHANGELOG.md",
  "LICENSE",
  "NOTICE",
  "bin",
  "docs/man",
  "package-lock.json",
  "package.json",
  "scripts",
  "src",
  "tsconfig.json",
];

/** Copies what is needed to build and pack, and nothing that was built, to a new folder. */
export function copyCheckout(to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of sources) cpSync(join(top, name), join(to, name), { recursive: true });
  // Hard links where they can be made; not one link to the folder, as the names of modules hold the paths of their sources.
  output("sh", ["-c", 'cp -al "$1" "$2" 2>/dev/null || cp -a "$1" "$2"', "sh", join(top, "node_modules"), to]);
}
