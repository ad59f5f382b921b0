/** A root that turns read-only, or writable again, while the hooks of one container run one after the other. */
import { readFileSync } from "node:fs";
import { describe, expect, type TestContext, test } from "vitest";
import { writeBundle } from "../support/bundle.ts";
import type { ContainerEdits } from "../support/cdi-spec.ts";
import { program } from "../support/debian-root.ts";
import { loaded, probeCommand } from "../support/probe.ts";
import { stageWithMountPoints } from "../support/read-only-root.ts";
import { crun, runc, type Runtime } from "../support/runtimes.ts";
import { compareListings, type Listing, listTree } from "../support/tree-listing.ts";

type Step = "create-symlinks" | "update-ldcache" | "read-only" | "writable";
type Hook = ContainerEdits["hooks"][number];

const list = (root: string): Listing => listTree(root, { contentBelow: ["/etc"] });
const mounts = (): string => readFileSync("/proc/self/mountinfo", "utf8");

/** Runs a container twice whose hooks are these steps; what the first start has left in the root, by path. */
function startTwice(context: TestContext, runtime: Runtime, steps: readonly Step[]): readonly string[] {
  const reason = runtime.missing();
  if (reason !== undefined) context.skip(reason);
  const { root, work, driver, edits } = stageWithMountPoints(context);
  // crun fails when a hook leaves the state unread.
  const remount = (how: string): Hook => ({
    hookName: "createContainer",
    path: "/bin/sh",
    args: ["sh", "-c", `cat >/dev/null; exec ${program("mount")} -o remount,bind,${how} ${root}`],
    env: [],
  });
  const hooks = steps.map((step): Hook => {
    const named = edits.hooks.find(({ args }) => args.includes(step));
    return named ?? remount(step === "writable" ? "rw" : "ro");
  });
  writeBundle(work, { root, readonly: false, args: probeCommand(), edits: { ...edits, hooks } });
  const [before, mountsBefore] = [list(root), mounts()];
  const ended = { status: 0, stdout: loaded(driver.version), stderr: "" };
  expect(runtime.run(work), "first start").toEqual(ended);
  const after = list(root);
  expect(runtime.run(work), "second start").toEqual(ended);
  expect(compareListings(after, list(root)), "the second start changes nothing").toEqual([]);
  expect(mounts()).toBe(mountsBefore);
  return compareListings(before, list(root)).map((line) => /^[+-] "([^"]*)"/.exec(line)?.[1] ?? line);
}

const link = "/usr/lib/x86_64-linux-gnu/libcuda.so";
const cache = "/etc/ld.so.cache";

describe.each([runc, crun])("$name", (runtime) => {
  test("read-only after create-symlinks: its link is all that the root has got", (context) => {
    expect(startTwice(context, runtime, ["create-symlinks", "read-only", "update-ldcache"])).toEqual([link]);
  });

  test("read-only after update-ldcache, which came first", (context) => {
    const left = startTwice(context, runtime, ["update-ldcache", "read-only", "create-symlinks"]);
    expect(left).toContain(cache);
    expect(left).not.toContain(link);
  });
});

test("read-only from the start, and update-ldcache comes first", (context) => {
  expect(startTwice(context, runc, ["read-only", "update-ldcache", "create-symlinks"])).toEqual([]);
});

test("read-only for create-symlinks, and writable again", (context) => {
  const left = startTwice(context, runc, ["read-only", "create-symlinks", "writable", "update-ldcache"]);
  expect(left).not.toContain(cache);
});
