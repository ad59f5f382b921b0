/**
 * Read-only roots: by the cache that is mounted the dynamic loaders of three Debian releases find the very files that they
 * find where the hooks could make links. CDI_HOOK_DIRECT_SEEDS names other seeds.
 */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, type TestContext } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { debianRoot, program, whyNoDebianRoot } from "../support/debian-root.ts";
import { libraryDirectory } from "../support/driver.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { look, type Looked, type Lookup } from "./direct-cache-lookups.ts";
import {
  drawScene,
  makeScene,
  namesOf,
  nvidia,
  version,
  type Item,
  type Scene,
  type SceneWords,
} from "./direct-cache-scene.ts";
import { workDirectory, type LibrarySuite } from "./library-root.ts";

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
    const words = [...[...names].slice(0, 110), ...random.shuffled(programsOf(scene)).slice(0, 60)];
    const looked = both(scene, words);
    expect(looked.linked.lookups.map(({ asked }) => asked)).toEqual(words);
    expect(looked.linked.lookups.flatMap(({ searched }) => searched).length).toBeGreaterThanOrEqual(200);
    expect(differences(looked), `seed ${seed}`).toEqual([]);
  });
});

const lib = libraryDirectory;
const stubs = "/usr/local/cuda/lib64/stubs";
const drivers = (stem: string): string => `${lib}/${stem}.so.${version}`;

/** Libraries in each other's way: what the image has, what the driver brings beside NVIDIA's, and whose file is loaded. */
interface Contest {
  readonly name: string;
  readonly image: readonly Item[];
  readonly driver?: SceneWords["driver"];
  /** Path of the file, by the name that is asked for. */
  readonly wins: Readonly<Record<string, string>>;
}

const againstStubs: readonly Contest[] = [
  {
    name: "a folder of stubs that the image's configuration names first",
    image: [
      { path: "/etc/ld.so.conf.d/000_cuda.conf", text: `${stubs}\n` },
      { path: `${stubs}/libcuda.so`, soname: "libcuda.so.1" },
      { path: `${stubs}/libnvidia-ml.so`, soname: "libnvidia-ml.so.1" },
      { path: `${stubs}/libnvidia-ml.so.1`, link: "libnvidia-ml.so" },
    ],
    wins: {
      "libcuda.so": drivers("libcuda"),
      "libcuda.so.1": drivers("libcuda"),
      "libnvidia-ml.so.1": drivers("libnvidia-ml"),
    },
  },
  {
    name: "an empty file of the soname's name, and a link to it",
    image: [
      { path: `${lib}/libnvidia-encode.so.1`, text: "" },
      { path: `${lib}/libnvidia-encode.so`, link: "libnvidia-encode.so.1" },
    ],
    wins: { "libnvidia-encode.so.1": drivers("libnvidia-encode"), "libnvidia-encode.so": drivers("libnvidia-encode") },
  },
  {
    name: "a link to a stub",
    image: [
      { path: `${stubs}/libnvcuvid.so`, soname: "libnvcuvid.so.1" },
      { path: `${lib}/libnvcuvid.so.1`, link: `${stubs}/libnvcuvid.so` },
    ],
    wins: { "libnvcuvid.so.1": drivers("libnvcuvid") },
  },
  {
    name: "another driver's library that was left in the image",
    image: [
      { path: `${lib}/libEGL_nvidia.so.470.57.02`, soname: "libEGL_nvidia.so.0" },
      { path: `${lib}/libEGL_nvidia.so.0`, link: "libEGL_nvidia.so.470.57.02" },
    ],
    wins: { "libEGL_nvidia.so.0": drivers("libEGL_nvidia") },
  },
  {
    name: "a link to a driver that is gone",
    image: [{ path: `${lib}/libGLX_nvidia.so.0`, link: "libGLX_nvidia.so.470.57.02" }],
    wins: { "libGLX_nvidia.so.0": drivers("libGLX_nvidia"), "libGLX_indirect.so.0": drivers("libGLX_nvidia") },
  },
];

const againstImage = (suite: LibrarySuite): readonly Contest[] => {
  const processors = suite === "bullseye" ? "tls" : "glibc-hwcaps/x86-64-v2";
  const brought = (stem: string, soname = `${stem}.so.1`): SceneWords["driver"] => [
    { path: `${lib}/${stem}.so.1.5`, soname },
  ];
  return [
    {
      name: "a folder that comes before the driver's, although stubs come before both",
      image: [{ path: "/usr/local/lib/libown0.so.1", soname: "libown0.so.1" }],
      driver: brought("libown0"),
      wins: { "libown0.so.1": "/usr/local/lib/libown0.so.1" },
    },
    {
      name: "a folder that comes after it",
      image: [{ path: "/usr/lib/libown1.so.1", soname: "libown1.so.1" }],
      driver: brought("libown1"),
      wins: { "libown1.so.1": `${lib}/libown1.so.1.5` },
    },
    {
      name: "a later version in the same folder",
      image: [
        { path: `${lib}/libown2.so.1.10`, soname: "libown2.so.1" },
        { path: `${lib}/libown2.so.1`, link: "libown2.so.1.10" },
      ],
      driver: brought("libown2"),
      wins: { "libown2.so.1": `${lib}/libown2.so.1.10` },
    },
    {
      name: "a file of the soname's name",
      image: [{ path: `${lib}/libown3.so.1`, soname: "libown3.so.1" }],
      driver: brought("libown3"),
      wins: { "libown3.so.1": `${lib}/libown3.so.1` },
    },
    {
      name: "another soname",
      image: [{ path: `${lib}/libown4.so.1`, soname: "libown4.so.1" }],
      driver: brought("libown4", "libown4.so.2"),
      wins: { "libown4.so.1": `${lib}/libown4.so.1`, "libown4.so.2": `${lib}/libown4.so.1.5` },
    },
    {
      name: "a folder for processors like this one",
      image: [{ path: `${lib}/${processors}/libown5.so.1`, soname: "libown5.so.1" }],
      driver: brought("libown5"),
      wins: { "libown5.so.1": process.arch === "x64" ? `${lib}/${processors}/libown5.so.1` : `${lib}/libown5.so.1.5` },
    },
    {
      name: "a link for compilers, straight to an earlier version",
      image: [
        { path: `${lib}/libown6.so.1.0`, soname: "libown6.so.1" },
        { path: `${lib}/libown6.so.1`, link: "libown6.so.1.0" },
        { path: `${lib}/libown6.so`, link: "libown6.so.1.0" },
      ],
      driver: brought("libown6"),
      wins: { "libown6.so": `${lib}/libown6.so.1.0`, "libown6.so.1": `${lib}/libown6.so.1.5` },
    },
  ];
};

/** `name: winner`, the winner as a path in the container. */
function winners({ template, mounts }: Scene, { lookups }: Looked, contests: readonly Contest[]): string[] {
  const paths = [...new Set(contests.flatMap(({ wins }) => Object.values(wins)))];
  const inodes = paths.map((path) => {
    const mount = mounts.find(({ destination }) => destination === path);
    return `${statSync(mount?.source ?? join(template, path)).ino}`;
  });
  return lookups.map(({ asked, answer }) => `${asked}: ${paths[inodes.indexOf(answer.replace(/.*:/, ""))] ?? answer}`);
}

describe.each(suites)("libraries in each other's way, %s", (suite) => {
  test("no stub is loaded, and no library of the image's own makes way that links would have left", (context) => {
    const folder = workOf(context);
    const contests = [...againstStubs, ...againstImage(suite)];
    const base = nvidia();
    const words: SceneWords = {
      ...base,
      suite,
      image: contests.flatMap(({ image }) => image),
      driver: [...base.driver, ...contests.flatMap(({ driver = [] }) => driver)],
    };
    const scene = makeScene(words, folder);
    const wanted = contests.flatMap(({ wins }) => Object.entries(wins));
    const looked = both(
      scene,
      wanted.map(([name]) => name),
    );
    const expected = wanted.map(([name, path]) => `${name}: ${path}`);
    expect(winners(scene, looked.linked, contests), "links").toEqual(expected);
    expect(winners(scene, looked.direct, contests), "no links").toEqual(expected);
    const { entries } = readCache(looked.direct.cache);
    expect(entries.find(({ key }) => key === "libcuda.so.1")?.value).toBe(drivers("libcuda"));
  });
});
