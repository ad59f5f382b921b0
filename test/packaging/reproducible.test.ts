import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { output, pack, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

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

test("another checkout, elsewhere, makes all packages with the same bytes", (context) => {
  const missing = whyNoPackages("dpkg-deb", "rpmbuild");
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const checkout = join(base, "another/place with a space");
  mkdirSync(checkout, { recursive: true });
  for (const name of sources) cpSync(join(top, name), join(checkout, name), { recursive: true });
  // Hard links where they can be made; not one link to the folder, as the names of modules hold the paths of their sources.
  output("sh", ["-c", 'cp -al "$1" "$2" 2>/dev/null || cp -a "$1" "$2"', "sh", join(top, "node_modules"), checkout]);

  const kinds = ["deb", "rpm", "npm", "oci", "helm", "kustomize"] as const;
  const [here, there] = [join(base, "here"), join(base, "there")];
  const names = pack(kinds, here);
  expect(names).toHaveLength(10);
  expect(pack(kinds, there, [], checkout)).toEqual(names);
  const different = names.filter((name) => !readFileSync(join(here, name)).equals(readFileSync(join(there, name))));
  expect(different).toEqual([]);
  // The second one was built there, and is not a copy.
  expect(readFileSync(join(checkout, "dist/build/inputs"), "utf8")).not.toBe("");
});
