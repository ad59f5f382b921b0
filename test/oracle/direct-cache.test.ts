/**
 * Read-only roots: by the cache that is mounted the dynamic loaders of three Debian releases find the very files that they
 * find where the hooks could make links. CDI_HOOK_DIRECT_SEEDS names other seeds.
 */
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, type TestContext } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { look, type Looked, type Lookup } from "./direct-cache-lookups.ts";
import { drawScene, makeScene, namesOf, type Scene } from "./direct-cache-scene.ts";
import { workDirectory } from "./library-root.ts";

const seeds = (process.env["CDI_HOOK_DIRECT_SEEDS"] ?? "1").split(",").map(Number);
const suites = ["bullseye", "bookworm", "trixie"] as const;

let work = "";
afterEach(() => {
  if (work !== "") rmSync(work, { recursive: true, force: true });
  work = "";
});

function workOf(context: TestContext): string {
  const missing = whyNoDebianRoot() ?? (program("gcc") === undefined ? "needs gcc" : undefined);
  if (missing !== undefined) context.skip(missing);
  work = workDirectory();
  return work;
}

/** Both roots, asked the same. */
function both(scene: Scene, words: readonly string[]): { linked: Looked; direct: Looked } {
  return { linked: look(scene, false, words, work), direct: look(scene, true, words, work) };
}

/** One line for each lookup that differs. */
function differences({ linked, direct }: { linked: Looked; direct: Looked }): string[] {
  return linked.lookups.flatMap((wanted, at) => {
    const got = direct.lookups[at];
    if (got?.answer === wanted.answer && got.searched.join() === wanted.searched.join()) return [];
    return [`${wanted.asked}: ${described(wanted)}; without links ${got === undefined ? "not asked" : described(got)}`];
  });
}

function described({ answer, tried, searched }: Lookup): string {
  return `${answer} (at last ${tried.at(-1) ?? "nothing"}, ${searched.length} searched)`;
}

/** Programs of the image that the dynamic loader starts. */
function programsOf({ template }: Scene): string[] {
  return readdirSync(join(template, "usr/bin"), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => `/usr/bin/${name}`)
    .filter((path) => readFileSync(join(template, path)).subarray(0, 4).toString("latin1") === "\x7fELF");
}

/** Names in the image's own cache. */
function cachedNames({ suite }: Scene): string[] {
  return readCache(readFileSync(join(debianRoot({ suite }), "etc/ld.so.cache"))).entries.map(({ key }) => key);
}

describe.each(suites)("the loader of %s", (suite) => {
  test.for(seeds)("answers the same for 200 lookups: seed %i", (seed, context) => {
    const folder = workOf(context);
    const random = new SeededRandom(seed * 8 + suites.indexOf(suite));
    const scene = makeScene(drawScene(suite, random), folder);
    const names = new Set([...namesOf(scene), ...random.shuffled(cachedNames(scene))]);
    const words = [...[...names].slice(0, 130), ...random.shuffled(programsOf(scene)).slice(0, 40)];
    const looked = both(scene, words);
    expect(looked.linked.lookups.map(({ asked }) => asked)).toEqual(words);
    expect(looked.linked.lookups.flatMap(({ searched }) => searched).length).toBeGreaterThanOrEqual(200);
    expect(differences(looked), `seed ${seed}`).toEqual([]);
  });
});
