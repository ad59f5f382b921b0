/**
 * Every hook of every spec that is at hand, on Debian 12's libraries: what is left is what the image's own ldconfig leaves,
 * and what NVIDIA's hook leaves, but for a list of differences.
 */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, type TestContext } from "vitest";
import { machineLdconfig } from "../oracle/machine-ldconfig.ts";
import { program, whyNoDebianRoot } from "../support/debian-root.ts";
import { peer } from "../support/peers.ts";
import { allowedDifferences, compareWithNvidia, type Compared } from "../support/replay-differences.ts";
import { plainHooks } from "../support/replay-expectation.ts";
import { debianAmd64, furnish, linkedRoot, makeDebianImage } from "../support/replay-root.ts";
import { replay, replayNvidia } from "../support/replay-run.ts";
import { type ReplayedContainer, replayedContainers } from "../support/replay-spec.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { absentPeer } from "../support/tally.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

const directories = ["../samples/cdi", "../../../shared/samples/cdi"].map((path) => resolve(import.meta.dirname, path));
const containers = directories
  .filter((path) => existsSync(path))
  .flatMap(replayedContainers)
  .filter(({ hooks }) => hooks.length > 0)
  .map((container) => [container.name, container] as const);

const kind = debianAmd64;
const noRoot = whyNoDebianRoot() ?? (process.arch === "x64" ? undefined : "needs x86-64");
let work = "";
let image = "";
beforeAll(() => {
  if (noRoot !== undefined) return;
  work = mkdtempSync(join(tmpdir(), "cdi-hook-replay-"));
  image = join(work, "image");
  makeDebianImage(image);
});
afterAll(() => {
  if (work !== "") rmSync(work, { recursive: true });
});
beforeEach((context: TestContext) => {
  if (noRoot !== undefined) context.skip(noRoot);
});

/** A fresh root for the container, in a bundle of its own. */
function freshRoot(container: ReplayedContainer): string {
  const root = join(scratchDirectory(), "rootfs");
  linkedRoot(image, root);
  furnish(root, container, kind.machine);
  return root;
}

function ownLdconfig(root: string): void {
  const { status, stderr } = spawnSync("chroot", [root, "/sbin/ldconfig", "-i"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ldconfig: ${stderr}`);
}

describe("the image's own ldconfig, at a second start, leaves the same tree and cache, byte for byte", () => {
  const list = (root: string): Listing =>
    listTree(root, { without: ["/var/cache/ldconfig"], contentBelow: ["/etc", "/opt", "/dev"] });

  test.each(containers)("%s", (_name, container) => {
    const [root, wanted] = [freshRoot(container), freshRoot(container)];
    for (let start = 1; start <= 2; start += 1) plainHooks(wanted, container, kind, ownLdconfig);
    replay(root, container);
    expect(compareListings(list(wanted), list(root))).toEqual([]);
  });
});

describe("NVIDIA's hook v1.20.0 leaves the same tree, but for what is listed", () => {
  const met = new Set<string>();
  let nvidia = "";
  beforeEach((context: TestContext) => {
    const found = peer("nvidia-cdi-hook-1.20.0");
    if (found === undefined) context.skip(`${absentPeer}nvidia-cdi-hook-1.20.0`);
    if (program("unshare") === undefined) context.skip("needs unshare");
    if (existsSync("/proc/driver/nvidia/params")) context.skip("needs a host without NVIDIA's driver");
    const machine = machineLdconfig();
    if (typeof machine === "string") context.skip(machine);
    nvidia = found;
  });

  function compared(container: ReplayedContainer): Compared {
    const [ours, theirs] = [freshRoot(container), freshRoot(container)] as const;
    replay(ours, container);
    replayNvidia(nvidia, theirs, container);
    return { ours, theirs, container, kind };
  }

  test.each(containers)("%s", (_name, container) => {
    const verdict = compareWithNvidia(compared(container));
    expect(verdict.unexplained).toEqual([]);
    for (const what of verdict.met) met.add(what);
  });

  test("every difference that is listed was met", () => {
    expect([...met].toSorted()).toEqual(allowedDifferences.map(({ what }) => what).toSorted());
  });

  test("others are noticed", () => {
    const [, container] = containers.find(([name]) => name === "toolkit-1.20.json, device all") ?? [];
    if (container === undefined) throw new Error("the spec is missing");
    const pair = compared(container);
    const unexplained = (): string[] =>
      compareWithNvidia(pair).unexplained.map((line) => line.slice(0, line.indexOf(": ours ")));
    expect(unexplained()).toEqual([]);
    const folder = "/usr/lib/x86_64-linux-gnu";
    rmSync(join(pair.ours, `${folder}/libcuda.so`));
    rmSync(join(pair.theirs, `${folder}/libnvidia-allocator.so.1`));
    chmodSync(join(pair.ours, "dev/nvidia-caps"), 0o751);
    writeFileSync(join(pair.ours, "etc/more"), "");
    writeFileSync(join(pair.theirs, "etc/ld.so.conf.d/zz-nvcr-1.conf"), "/opt/evil\n");
    const dropIn = join(pair.ours, "etc/ld.so.conf.d/00-compat-cdi-hook.conf");
    writeFileSync(dropIn, "/opt/compat\n");
    const cache = join(pair.ours, "etc/ld.so.cache");
    writeFileSync(cache, readFileSync(cache, "latin1").replace("/libcuda.so.1\0", "/libcudb.so.1\0"), "latin1");
    expect(new Set(unexplained())).toEqual(
      new Set([
        `${folder}/libcuda.so`,
        `${folder}/libnvidia-allocator.so.1`,
        "/dev/nvidia-caps",
        "/etc/more",
        "/etc/ld.so.cache",
        "/etc/ld.so.conf.d/00-compat-cdi-hook.conf",
        expect.stringMatching(/\/00-compat-[\da-f-]{36}\.conf$/u),
        "/etc/ld.so.conf.d/zz-nvcr-1.conf",
        expect.stringMatching(/\/zz-nvcr-\d{2,}\.conf$/u),
      ]),
    );
  });
});
