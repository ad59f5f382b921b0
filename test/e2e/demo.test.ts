import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { scratchDirectory } from "../support/scratch.ts";

const script = resolve(import.meta.dirname, "../../scripts/demo.mjs");

/** Runs the demonstration, after shell lines that prepare a machine of its own kind; temporary files go to `temporary`. */
function demonstration(temporary: string, lines: readonly string[] = []): { status: number | null; output: string } {
  const enter = lines.length === 0 ? [] : ["unshare", "-m"];
  const [file = "sh", ...args] = enter.concat("sh", "-c", [...lines, `exec "$0" "$1"`].join("\n"));
  const { status, stdout, stderr } = spawnSync(file, [...args, process.execPath, script], {
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1", TMPDIR: temporary },
  });
  return { status, output: stdout + stderr };
}

test("the demonstration shows a driver that is not found and then is, and leaves nothing behind", () => {
  const temporary = scratchDirectory();
  const { status, output } = demonstration(temporary);
  expect(output).toContain("✗ libcuda.so.1: not loaded");
  expect(output).toContain("✓ libcuda.so.1: cuInit of stand-in driver");
  expect(output).toContain("✓ no byte and no inode of the root has changed");
  expect(status).toBe(0);
  expect(readdirSync(temporary)).toEqual([]);
});

test("the demonstration on a machine without mmdebstrap and runc", (context) => {
  if (process.getuid?.() !== 0) context.skip("needs root (mount)");
  const masked = ["mmdebstrap", "runc"].flatMap((name) => program(name) ?? []);
  const { status, output } = demonstration(
    scratchDirectory(),
    masked.map((path) => `mount --bind /dev/null ${path}`),
  );
  expect(output).toContain("copied from this machine");
  expect(output).toContain("by chroot in a mount namespace");
  expect(output).toContain("✓ libcuda.so.1: cuInit of stand-in driver");
  expect(status).toBe(0);
});
