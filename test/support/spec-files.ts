/** CDI specs that tests rewrite: those of this repository, and those beside the checkout where there are any. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface SpecSample {
  readonly name: string;
  /** A byte string. */
  readonly text: string;
}

/** What the golden files of NVIDIA's generator have in place of the driver's root. */
const template = "{{ .driverRoot }}";

const top = resolve(import.meta.dirname, "../..");
const folders = [resolve(top, "test/samples/cdi"), resolve(top, "../shared/samples/cdi")];

export function specSamples(): readonly SpecSample[] {
  const samples = new Map<string, SpecSample>();
  for (const folder of folders.filter((each) => existsSync(each))) {
    for (const name of readdirSync(folder).filter((each) => /\.(?:json|yaml)$/u.test(each))) {
      samples.set(name, { name, text: readFileSync(join(folder, name), "latin1").replaceAll(template, "") });
    }
  }
  return [...samples.values()];
}
