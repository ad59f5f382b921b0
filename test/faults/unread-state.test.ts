/** Hooks that need no state, and what becomes of the one that a runtime writes. */
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import { crun, needs } from "../support/runtimes.ts";
import { scratchDirectory } from "../support/scratch.ts";

const idle: readonly (readonly string[])[] = [
  ["noop"],
  ["create-symlinks"],
  ["enable-cuda-compat"],
  ["chain", "noop", "--", "create-symlinks"],
];

describe.each(idle)("%s %s %s", (...words) => {
  test("takes a state that is too large for a pipe", async () => {
    const state = stateFor("/nowhere", { annotations: { long: "x".repeat(1 << 20) } });
    const child = spawn(executablePath, words, { stdio: ["pipe", "ignore", "inherit"], env: {} });
    const written = new Promise<Error | null | undefined>((resolve) => {
      child.stdin.on("error", resolve);
      child.stdin.write(state, resolve);
    });
    const status = new Promise((resolve) => child.on("close", resolve));
    expect(await written).toBeFalsy();
    // The pipe is still open: its end is not waited for.
    expect(await status).toBe(0);
    child.stdin.destroy();
  });

  test.each(["", "{", "no state", "[]", '{"root":1}'])("does not mind %j", (stdin) => {
    expect(runHook(words, { stdin })).toMatchObject({ status: 0, stderr: "" });
  });

  test("ends without a stdin, or with a folder as that", () => {
    expect(runHook(words)).toMatchObject({ status: 0, stderr: "" });
    const { status } = runHook(["-c", `exec "$@" <&-`, "sh", executablePath, ...words], { executable: "/bin/sh" });
    expect(status).toBe(0);
    expect(runHook(["-c", `exec "$@" </`, "sh", executablePath, ...words], { executable: "/bin/sh" }).status).toBe(0);
  });
});

test("crun starts a container with such hooks, thirty times", (context) => {
  const reason = crun.missing() ?? needs("busybox");
  if (reason !== undefined) context.skip(reason);
  const bundle = scratchDirectory();
  for (const name of ["proc", "dev", "sys"]) mkdirSync(join(bundle, "rootfs", name), { recursive: true });
  copyFileSync(program("busybox") ?? "", join(bundle, "rootfs/sh"));
  const hooks = [...idle, ["disable-device-node-modification"]].map((args) => ({
    path: executablePath,
    args: ["nvidia-cdi-hook", ...args],
  }));
  const config = {
    ociVersion: "1.0.2",
    process: { user: { uid: 0, gid: 0 }, args: ["/sh", "-c", "echo started"], cwd: "/", env: [] },
    root: { path: "rootfs" },
    hooks: { createContainer: hooks },
    linux: { namespaces: [{ type: "pid" }, { type: "mount" }] },
    mounts: [{ destination: "/proc", type: "proc", source: "proc" }],
  };
  writeFileSync(join(bundle, "config.json"), JSON.stringify(config));
  for (let start = 1; start <= 30; start++)
    expect(crun.run(bundle), `start ${start}`).toEqual({ status: 0, stdout: "started\n", stderr: "" });
});
