import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import { EFBIG, EINVAL, EISDIR, ELOOP, ENOENT } from "../kernel/errno.ts";
import { close, openat } from "../kernel/files.ts";
import { KernelFile } from "./kernel-file.ts";

/** No such device or address: what opening a socket, or a device without a driver, gives. */
const ENXIO = 6;

let base: string;
let directory: number;
beforeEach(() => {
  base = scratchDirectory();
  directory = openat(AT_FDCWD, base, O_PATH | O_DIRECTORY | O_CLOEXEC);
  onTestFinished(() => {
    close(directory);
  });
});

function opened(name: string): KernelFile {
  const file = KernelFile.open(directory, name);
  if (typeof file === "number") throw new Error(`${name}: ${file}`);
  onTestFinished(() => file.close());
  return file;
}

function textOf(bytes: Uint8Array | number): string | number {
  return typeof bytes === "number" ? bytes : Buffer.from(bytes).toString("latin1");
}

describe("only regular files are opened", () => {
  test("a link, a directory, nothing", () => {
    writeFileSync(join(base, "file"), "x");
    symlinkSync("file", join(base, "link"));
    mkdirSync(join(base, "directory"));
    expect(KernelFile.open(directory, "link")).toBe(-ELOOP);
    expect(KernelFile.open(directory, "directory")).toBe(-EISDIR);
    expect(KernelFile.open(directory, "missing")).toBe(-ENOENT);
  });

  test("a FIFO without a writer does not hold us", () => {
    execFileSync("mkfifo", [join(base, "fifo")]);
    expect(KernelFile.open(directory, "fifo")).toBe(-EINVAL);
  });

  test("a socket", async () => {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(join(base, "socket"), resolve));
    onTestFinished(() => void server.close());
    expect(KernelFile.open(directory, "socket")).toBe(-ENXIO);
  });

  test.each([
    ["null", "c", "1", "3", -EINVAL],
    ["zero", "c", "1", "5", -EINVAL],
    ["a character device without a driver", "c", "0", "0", -ENXIO],
    ["a block device without a driver", "b", "0", "0", -ENXIO],
  ])("a device: %s", (_, type, major, minor, error) => {
    execFileSync("mknod", [join(base, "device"), type, major, minor]);
    expect(KernelFile.open(directory, "device")).toBe(error);
  });

  test("descriptors are closed when the type is wrong", () => {
    execFileSync("mkfifo", [join(base, "fifo")]);
    const before = readdirSync("/proc/self/fd").length;
    for (let at = 0; at < 20; at++) KernelFile.open(directory, "fifo");
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});

describe("reading", () => {
  test("at an offset, at most what there is, at most 64 KiB", () => {
    writeFileSync(join(base, "f"), `abc${"x".repeat(100_000)}`);
    const file = opened("f");
    expect(file.size).toBe(100_003);
    expect(textOf(file.read(1, 2))).toBe("bc");
    expect(textOf(file.read(100_002, 10))).toBe("x");
    expect(file.read(100_003, 10)).toHaveLength(0);
    expect(file.read(2 ** 40, 10)).toHaveLength(0);
    expect(file.read(0, 100_000)).toHaveLength(64 << 10);
    expect(file.read(0, 0)).toHaveLength(0);
  });

  test("all of it, within a limit", () => {
    writeFileSync(join(base, "f"), "0123456789".repeat(20_000));
    const file = opened("f");
    expect(textOf(file.readAll(200_000))).toBe("0123456789".repeat(20_000));
    expect(file.readAll(199_999)).toBe(-EFBIG);
  });

  test("a file of 8 GiB is refused by its size, and read at its end all the same", () => {
    writeFileSync(join(base, "f"), "");
    truncateSync(join(base, "f"), 2 ** 33);
    const file = opened("f");
    expect(file.readAll(1 << 20)).toBe(-EFBIG);
    expect(textOf(file.read(2 ** 33 - 2, 10))).toBe("\0\0");
  });

  test("a file that shrinks or grows after it was opened", () => {
    writeFileSync(join(base, "f"), "0123456789");
    const file = opened("f");
    truncateSync(join(base, "f"), 4);
    expect(textOf(file.readAll(10))).toBe("0123");
    writeFileSync(join(base, "f"), "x".repeat(1000));
    expect(textOf(file.readAll(10))).toBe("x".repeat(10));
  });
});
