/** Every hook of every spec that is at hand, on images made by hand: what is left is what a few plain lines leave. */
import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { copyTree } from "../support/debian-root.ts";
import { allowedDifferences } from "../support/replay-differences.ts";
import { cacheProblems, linkSonames, plainHooks } from "../support/replay-expectation.ts";
import { furnish, type ImageKind, imageKindOf, makeImage } from "../support/replay-root.ts";
import { waysOfCalling, replay } from "../support/replay-run.ts";
import { replayedContainers, type ReplayedContainer } from "../support/replay-spec.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { absentPeer } from "../support/tally.ts";
import { compareListings, listTree } from "../support/tree-listing.ts";

const written = resolve(import.meta.dirname, "../samples/cdi");
const found = resolve(import.meta.dirname, "../../../shared/samples/cdi");

/** What a spec's hooks print, line by line; nothing where the file is not named. */
const warnings: Readonly<Record<string, readonly RegExp[]>> = {
  "toolkit-1.10.yaml": [/^cdi-hook: warning: create-symlinks: .*--csv-filename/u],
  "future.yaml": [
    /^cdi-hook: warning: enable-quantum/u,
    /^cdi-hook: warning: enable-quantum/u,
    /^cdi-hook: warning: no hook given/u,
    /^cdi-hook: warning: create-symlinks: ignoring unknown flags --atomic, --owner$/u,
    /^cdi-hook: warning: update-ldcache: ignoring unknown flags --cache-format, -x$/u,
  ],
};

interface Stage {
  readonly kind: ImageKind;
  /** Where the hooks are run. */
  readonly root: string;
  /** Where what they should do was done. */
  readonly wanted: string;
}

function setStage(container: ReplayedContainer): Stage {
  const kind = imageKindOf(container);
  const top = scratchDirectory();
  const [root, wanted] = [join(top, "bundle/rootfs"), join(top, "wanted")] as const;
  makeImage(kind, root);
  furnish(root, container, kind.machine);
  copyTree(root, wanted);
  plainHooks(wanted, container, kind, linkSonames);
  return { kind, root, wanted };
}

/** Whether the spec has a hook that makes a cache. */
const makesCache = ({ hooks }: ReplayedContainer): boolean => hooks.some(({ args }) => args.includes("update-ldcache"));

/** What is wrong with a container after its hooks, one line each. */
function problems({ kind, root, wanted }: Stage, container: ReplayedContainer): string[] {
  const options = { without: ["/etc/ld.so.cache"] };
  return [
    ...compareListings(listTree(wanted, options), listTree(root, options)),
    ...(makesCache(container) ? cacheProblems(root, kind) : []),
  ];
}

/** On a host with NVIDIA's driver, disable-device-node-modification has something to do, and says that it cannot here. */
const isOfHostsDriver = (line: string): boolean =>
  existsSync("/proc/driver/nvidia/params") && line.includes(": disable-device-node-modification: ");

function replayAll(containers: readonly ReplayedContainer[]): void {
  const cases = containers.flatMap((container) =>
    waysOfCalling(container).map((way) => [`${container.name}, called by its ${way}`, way, container] as const),
  );
  test.each(cases)("%s", (_title, way, container) => {
    const stage = setStage(container);
    const stderr = replay(stage.root, container, way);
    const lines = stderr
      .split("\n")
      .slice(0, -1)
      .filter((line) => !isOfHostsDriver(line));
    expect(lines).toEqual((warnings[container.file] ?? []).map((line): unknown => expect.stringMatching(line)));
    expect(problems(stage, container)).toEqual([]);
    expect(existsSync(join(stage.root, "etc/ld.so.cache"))).toBe(makesCache(container));
    const once = listTree(stage.root, { identity: true });
    replay(stage.root, container);
    expect(compareListings(once, listTree(stage.root, { identity: true })), "a second start").toEqual([]);
  });
}

describe("specs written by hand", () => {
  replayAll(replayedContainers(written));
});

describe("specs as they were found", () => {
  const hasThem = existsSync(found);
  if (hasThem) replayAll(replayedContainers(found));
  test("are here", (context) => {
    if (!hasThem) context.skip(`${absentPeer}samples of CDI specs`);
    expect(replayedContainers(found).length).toBeGreaterThan(10);
  });
});

describe("what a container lacks is noticed", () => {
  const folder = "usr/lib/x86_64-linux-gnu";
  const cases: readonly (readonly [string, (root: string) => void, RegExp])[] = [
    ["a link", (root) => rmSync(join(root, folder, "libcuda.so")), /^- "[^"]*\/libcuda\.so" link/u],
    [
      "a link's target",
      (root) => {
        rmSync(join(root, folder, "libcuda.so"));
        symlinkSync("libcuda.so.580.126.20", join(root, folder, "libcuda.so"));
      },
      /^\+ "[^"]*\/libcuda\.so" link .*580/u,
    ],
    [
      "a soname's link",
      (root) => rmSync(join(root, folder, "libnvidia-allocator.so.1")),
      /^- .*allocator\.so\.1" link/u,
    ],
    ["a mode", (root) => chmodSync(join(root, "dev/nvidia-caps"), 0o755), /^- "\/dev\/nvidia-caps" .*mode 750/u],
    ["a folder", (root) => rmSync(join(root, "etc/ld.so.conf.d/00-nvcr-cdi-hook.conf")), /^- .*00-nvcr/u],
    ["the compat folder", (root) => rmSync(join(root, "etc/ld.so.conf.d/00-compat-cdi-hook.conf")), /^- .*00-compat/u],
    ["a file that is too many", (root) => writeFileSync(join(root, "etc/x"), ""), /^\+ "\/etc\/x" file/u],
    ["the cache", (root) => rmSync(join(root, "etc/ld.so.cache")), /^libcuda\.so\.1: expected .*, found ""$/u],
    [
      "an entry of the cache",
      (root) => changeCache(root, (text) => text.replace("libnvidia-allocator.so.1\0", "libnvidia-allocator.so.2\0")),
      /^libnvidia-allocator\.so\.1: expected/u,
    ],
    [
      "the folder of an entry",
      (root) => changeCache(root, (text) => text.replace("/vdpau/libvdpau", "/vdpzu/libvdpau")),
      /libvdpau_nvidia\.so\.1 leads nowhere$/u,
    ],
  ];

  test.each(cases)("%s", (_what, damage, line) => {
    const container = replayedContainers(written).find(({ name }) => name === "toolkit-1.20.json, device all");
    if (container === undefined) throw new Error("the spec is missing");
    const stage = setStage(container);
    replay(stage.root, container);
    expect(problems(stage, container)).toEqual([]);
    damage(stage.root);
    expect(problems(stage, container)).toContainEqual(expect.stringMatching(line));
  });
});

test("every difference from NVIDIA's that may be is in the documentation", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../docs/hooks.md"), "utf8");
  const [, section = ""] = text.split("\n## Specs replayed\n");
  for (const { what } of allowedDifferences) expect(section).toContain(`\n| ${what} | `);
});

function changeCache(root: string, change: (text: string) => string): void {
  const path = join(root, "etc/ld.so.cache");
  const before = readFileSync(path, "latin1");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(path, after, "latin1");
}
