/** Containers with the five hooks of a CDI spec of NVIDIA Container Toolkit 1.20: what their programs see. */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test, type TestContext } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import type { ContainerEdits } from "../support/cdi-spec.ts";
import { noteBytes, noteFor, noteSection, SHT_NOTE, withSections } from "../support/compat-library.ts";
import {
  driverHostMissing,
  driverInContainer,
  driverParams,
  type LowRuntime,
  runOnDriverHost,
} from "../support/driver-params.ts";
import { loadableLibrary } from "../support/loadable-library.ts";
import { cudaLibraries, loaded, probeCommand } from "../support/probe.ts";
import type { ContainerRun } from "../support/runtimes.ts";
import { setStage, type Stage } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";
import { scratchInMemory } from "../support/memory-scratch.ts";

scratchInMemory();

type Hook = ContainerEdits["hooks"][number];

const gpus = [0, 3];
const params = "/proc/driver/nvidia/params";
const profile = "/etc/nvidia/nvidia-application-profiles-rc.d/10-container.conf";
const compatFolder = "/usr/local/cuda/compat";
const newer = "590.44.01";
const older = "570.133.20";

/** Prints what the hooks have left, tries to undo it, and ends with what a CUDA program loads. */
const inContainer = `
cat ${profile} && echo
stat -c '%a %n' ${profile} ${dirname(profile)} ${dirname(dirname(profile))}
test -e ${params} && {
  cat ${params}
  (echo overwritten >${params}) 2>/dev/null && echo written || echo not written
  rm -f ${params} 2>/dev/null && echo removed || echo not removed
  umount ${params} 2>/dev/null && echo unmounted || echo not unmounted
  umount -l ${params} 2>/dev/null && echo detached || echo not detached
  grep ModifyDeviceFiles ${params}
}
exec "$@"
`;

const profileSeen = `\
{"profiles":[{"name":"_container_","settings":["EGLVisibleDGPUDevices",0x9]}],\
"rules":[{"pattern":[],"profile":"_container_"}]}
444 ${profile}
555 ${dirname(profile)}
555 ${dirname(dirname(profile))}
`;

const paramsSeen = `\
${driverParams.replace("Files: 1", "Files: 0")}\
not written
not removed
not unmounted
not detached
ModifyDeviceFiles: 0
`;

/** What the container prints, with the program's lines and the host's; gVisor's own /proc has no driver. */
function seen(runtime: LowRuntime, libcuda: string, driver: string): string {
  const [byName, bySoname, management] = cudaLibraries.map((library) => [library]);
  const libraries = loaded(libcuda, [...(byName ?? []), ...(bySoname ?? [])]) + loaded(driver, management);
  const atEnd = "host: ModifyDeviceFiles: 1\n";
  return profileSeen + (runtime === "gVisor 2026" ? "" : paramsSeen) + libraries + atEnd;
}

/** A folder as the package cuda-compat has it, its library for hosts of the driver's branch and the one before. */
function installCompat(root: string, version: string): void {
  const folder = join(root, compatFolder);
  const text = `cuInit of stand-in driver ${version}\n`;
  const library = loadableLibrary({ soname: "libcuda.so.1", symbol: "cuInit", text });
  const note = { name: noteSection, type: SHT_NOTE, bytes: noteBytes(noteFor([570, 580])) };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `libcuda.so.${version}`), withSections(library, [note]));
  symlinkSync(`libcuda.so.${version}`, join(folder, "libcuda.so.1"));
  symlinkSync("libcuda.so.1", join(folder, "libcuda.so"));
}

/** The words of the five hooks, in the order of such a spec. */
function wordsOf({ driver, edits }: Stage): readonly (readonly string[])[] {
  const [links, cache] = edits.hooks.map(({ args }) => args.slice(1));
  return [
    links ?? [],
    ["enable-cuda-compat", `--host-driver-version=${driver.version}`],
    cache ?? [],
    ["disable-device-node-modification"],
    ["update-application-profile"],
  ];
}

const chainOf = (hooks: readonly (readonly string[])[]): string[] => [
  "chain",
  ...hooks.flatMap((words) => ["--", ...words]).slice(1),
];

interface Container extends Stage {
  readonly runtime: LowRuntime;
  readonly words: readonly (readonly string[])[];
}

/** A Debian root with a compat folder, or the reason why the test is skipped. */
function prepare(context: TestContext, runtime: LowRuntime, compat = newer): Container {
  const reason = driverHostMissing(runtime);
  if (reason !== undefined) context.skip(reason);
  const stage = setStage(context);
  installCompat(stage.root, compat);
  if (runtime === "gVisor 2026") makeDevices(stage.root);
  return { ...stage, runtime, words: wordsOf(stage) };
}

/** Where gVisor runs the hooks, /dev is the root's own: the one in the sandbox is not made by the host. */
function makeDevices(root: string): void {
  for (const minor of gpus) execFileSync("mknod", [join(root, `dev/nvidia${minor}`), "c", "195", String(minor)]);
}

const hookPath = ({ edits }: Stage): string => edits.hooks[0]?.path ?? "";

/** Starts the container with a hook per list of words. */
function start(container: Container, words = container.words, executable = hookPath(container)) {
  const { root, work, edits, runtime } = container;
  const called = words.map((args): Hook => {
    const env = ["NVIDIA_CTK_DEBUG=false"];
    return { hookName: "createContainer", path: executable, args: ["nvidia-cdi-hook", ...args], env };
  });
  const hooks = [...(runtime === "gVisor 2026" ? [] : [driverInContainer(root)]), ...called];
  const args = ["sh", "-c", inContainer, "sh", ...probeCommand()];
  writeBundle(work, { root, readonly: false, args, edits: { ...edits, hooks }, gpus });
  return runOnDriverHost(runtime, work);
}

function expectSeen({ status, stdout, stderr }: ContainerRun, { runtime, driver }: Container, libcuda = newer): void {
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: seen(runtime, libcuda, driver.version), stderr: "" });
}

const list = (root: string): Listing => listTree(root, { identity: true });

describe.each(["runc", "crun", "gVisor 2026"] as const)("%s", (runtime) => {
  test("params, application profile and libcuda are those of the five hooks; a second start changes nothing", (context) => {
    const container = prepare(context, runtime);
    expectSeen(start(container), container);
    const first = list(container.root);
    expectSeen(start(container), container);
    expect(compareListings(first, list(container.root))).toEqual([]);
  });

  test("an older compat folder: libcuda is the driver's", (context) => {
    const container = prepare(context, runtime, older);
    expectSeen(start(container), container, container.driver.version);
    const first = list(container.root);
    expectSeen(start(container), container, container.driver.version);
    expect(compareListings(first, list(container.root))).toEqual([]);
  });

  test("a chain of the five leaves the same tree, and its second start changes nothing", (context) => {
    const single = prepare(context, runtime);
    expectSeen(start(single), single);
    const chained = prepare(context, runtime);
    // gVisor would skip the whole chain.
    const words = chained.words.filter(([name]) => runtime !== "gVisor 2026" || !name?.startsWith("disable-"));
    const run = (): ContainerRun => start(chained, [chainOf(words)]);
    expectSeen(run(), chained);
    expect(compareListings(listTree(single.root), listTree(chained.root))).toEqual([]);
    const first = list(chained.root);
    expectSeen(run(), chained);
    expect(compareListings(first, list(chained.root))).toEqual([]);
  });
});

/** A program of that name which writes down the hook that it is called for, and then is the executable. */
function recorder(container: Container, name: string, record: string): string {
  const path = join(dirname(container.work), "recorder", name);
  mkdirSync(dirname(path));
  writeFileSync(path, `#!/bin/sh\necho "$1" >>${record}\nexec ${hookPath(container)} "$@"\n`, { mode: 0o755 });
  return path;
}

describe("gVisor 2026 skips disable-device-node-modification by the name of its program", () => {
  const without = ["create-symlinks", "enable-cuda-compat", "update-ldcache", "update-application-profile"];
  const all = [...without.slice(0, 3), "disable-device-node-modification", ...without.slice(3)];

  test.for([
    ["nvidia-cdi-hook", without],
    ["cdi-hook", all],
  ] as const)("called as %s, these are run: %j", ([name, hooks], context) => {
    const container = prepare(context, "gVisor 2026");
    const record = join(dirname(container.work), "record");
    expectSeen(start(container, container.words, recorder(container, name, record)), container);
    expect(readFileSync(record, "utf8").trim().split("\n")).toEqual(hooks);
  });
});
