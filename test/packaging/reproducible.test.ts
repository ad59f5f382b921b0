import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { copyCheckout } from "../support/checkout.ts";
import { pack, whyNoPackages } from "../support/packages.ts";
import { scratchDirectory } from "../support/scratch.ts";

test("another checkout, elsewhere, makes all packages with the same bytes", (context) => {
  const missing = whyNoPackages("dpkg-deb", "rpmbuild");
  if (missing !== undefined) context.skip(missing);
  const base = scratchDirectory();
  const checkout = join(base, "another/place with a space");
  copyCheckout(checkout);

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
