/** podman of an ordinary user, in his own user namespace: a program loads the driver, however the hooks come to be run. */
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, type TestContext, test } from "vitest";
import { cdiSpec, type ContainerEdits, driverEdits } from "../support/cdi-spec.ts";
import { executablePath } from "../support/executable.ts";
import { type PodmanUser, runPodmanAsUser, usersPodmanMissing } from "../support/podman-user.ts";
import { loaded, notLoaded, probeCommand } from "../support/probe.ts";
import { type ContainerRun, needs } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { setStage } from "../support/stage.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

const timeout = 300_000;
const kind = "cdi-hook.test/gpu";

/** With ids of /etc/subuid, and with his own only. */
const several: PodmanUser = { id: 20_000, further: 200_000 };
const alone: PodmanUser = { id: 20_000, further: undefined };

/** What is started: a Debian root of the user's, and copies of the executable where he may start them. */
interface UsersStage {
  readonly run: (edits: ContainerEdits, runtime?: string, flags?: readonly string[]) => ContainerRun;
  readonly edits: ContainerEdits;
  /** A folder of programs: the executable as `nvidia-cdi-hook`, and as `cdi-hook-NAME` before the runtime. */
  readonly bin: string;
  readonly list: () => Listing;
  readonly expected: { readonly without: object; readonly with: object };
}

function setUsersStage(context: TestContext, runtime: string, user: PodmanUser): UsersStage {
  const missing = usersPodmanMissing() ?? needs(runtime);
  if (missing !== undefined) context.skip(missing);
  const { root, driver } = setStage(context);
  const bin = scratchDirectory();
  for (const path of [bin, dirname(root), dirname(driver.root), driver.root]) chmodSync(path, 0o755);
  spawnSync("chown", ["-R", `${user.id}:${user.id}`, root]);
  // A folder that belongs to somebody else of the user's namespace.
  if (user.further !== undefined) chownSync(join(root, driver.libraryDirectory), user.further + 41, user.further + 41);
  copyFileSync(executablePath, join(bin, "nvidia-cdi-hook"));
  symlinkSync("nvidia-cdi-hook", join(bin, `cdi-hook-${runtime}`));
  const own = ["/etc/hosts", "/etc/mtab", "/run/.containerenv"];
  return {
    run: (edits, path = runtime, flags = []) =>
      runPodmanAsUser({
        user,
        flags: [`--runtime=${path}`, ...flags],
        spec: cdiSpec(kind, edits),
        words: [`--device=${kind}=all`, "--rootfs", root, ...probeCommand()],
      }),
    edits: driverEdits(driver, join(bin, "nvidia-cdi-hook")),
    bin,
    list: () => listTree(root, { identity: true, without: own }),
    expected: {
      without: { status: 3, stdout: notLoaded() },
      with: { status: 0, stdout: loaded(driver.version) },
    },
  };
}

describe.each([
  { runtime: "crun", ids: "ids of /etc/subuid", user: several },
  { runtime: "crun", ids: "one id", user: alone },
  { runtime: "runc", ids: "ids of /etc/subuid", user: several },
])("podman on $runtime, an ordinary user with $ids", ({ runtime, user }) => {
  test("a CDI spec's hooks: it loads, and the second start changes nothing", { timeout }, (context) => {
    const { run, edits, list, expected } = setUsersStage(context, runtime, user);
    expect(run({ ...edits, hooks: [] })).toMatchObject(expected.without);
    expect(run(edits)).toMatchObject(expected.with);
    const first = list();
    expect(run(edits)).toMatchObject(expected.with);
    expect(compareListings(first, list())).toEqual([]);
  });
});

describe.each(["crun", "runc"])("podman on %s, an ordinary user", (runtime) => {
  test("hooks of a folder of his own (--hooks-dir)", { timeout }, (context) => {
    const { run, edits, bin, expected } = setUsersStage(context, runtime, several);
    const folder = join(bin, "hooks.d");
    mkdirSync(folder);
    for (const [at, { path, args, env }] of edits.hooks.entries()) {
      const hook = { version: "1.0.0", hook: { path, args, env }, when: { always: true }, stages: ["createContainer"] };
      writeFileSync(join(folder, `${at}.json`), JSON.stringify(hook));
    }
    const mounts = { ...edits, hooks: [] };
    expect(run(mounts)).toMatchObject(expected.without);
    expect(run(mounts, runtime, [`--hooks-dir=${folder}`])).toMatchObject(expected.with);
  });

  test("cdi-hook as the runtime before it", { timeout }, (context) => {
    const { run, edits, bin, expected } = setUsersStage(context, runtime, several);
    const before = join(bin, `cdi-hook-${runtime}`);
    // No runtime could start these: only what stands before it knows them by their name.
    const hooks = edits.hooks.map((hook) => ({ ...hook, path: "/nowhere/nvidia-cdi-hook" }));
    expect(run({ ...edits, hooks }).status).not.toBe(0);
    expect(run({ ...edits, hooks: [] }, before)).toMatchObject(expected.without);
    expect(run({ ...edits, hooks }, before)).toMatchObject(expected.with);
  });
});
