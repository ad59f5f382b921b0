import { describe, expect, test } from "vitest";
import { makeFile, namesIn, scratchDescriptor } from "../../test/support/kernel-scratch.ts";
import { fromText, toText } from "../bytes/text.ts";
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_PATH,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
  S_IFCHR,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "./constants.ts";
import { EBADF, EEXIST, EINVAL, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR } from "./errno.ts";
import {
  close,
  fchmod,
  fileSystemMagic,
  fstat,
  fsync,
  getdents64,
  mkdirat,
  openat,
  pread,
  read,
  readlinkat,
  renameWithin,
  statx,
  symlinkat,
  unlinkat,
  write,
  writeAll,
} from "./files.ts";
import { umask } from "./process.ts";
import { Stat } from "./stat.ts";

/** Bytes that must not change stand before and behind the view that the kernel gets. */
function guarded(length: number): { view: Uint8Array; isUntouched: () => boolean } {
  const around = new Uint8Array(length + 64).fill(0xa5);
  const view = around.subarray(31, 31 + length);
  const untouched = (byte: number): boolean => byte === 0xa5;
  return {
    view,
    isUntouched: () => around.subarray(0, 31).every(untouched) && around.subarray(31 + length).every(untouched),
  };
}

describe("files", () => {
  test("are made, written, read at any offset, and closed once", () => {
    const directory = scratchDescriptor();
    const fd = openat(directory, "a", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600);
    expect(fd).toBeGreaterThan(2);
    expect(openat(directory, "a", O_RDWR | O_CREAT | O_EXCL, 0o600)).toBe(-EEXIST);
    expect(writeAll(fd, fromText("0123456789").subarray(1))).toBe(0);
    expect(writeAll(fd, new Uint8Array(0))).toBe(0);
    expect(fsync(fd)).toBe(0);

    const { view, isUntouched } = guarded(4);
    expect(pread(fd, view, 0)).toBe(4);
    expect(toText(view)).toBe("1234");
    expect(pread(fd, view, 7)).toBe(2);
    expect(toText(view)).toBe("8934");
    expect(pread(fd, view, 9)).toBe(0);
    expect(pread(fd, view, 2 ** 40)).toBe(0);
    expect(pread(fd, view, -1)).toBe(-EINVAL);
    expect(pread(fd, new Uint8Array(0), 0)).toBe(0);
    expect(isUntouched()).toBe(true);
    expect(close(fd)).toBe(0);
    expect(close(fd)).toBe(-EBADF);
    expect(pread(fd, view, 0)).toBe(-EBADF);
    expect(write(fd, view)).toBe(-EBADF);
  });

  test("are read from where the last read ended", () => {
    const directory = scratchDescriptor();
    makeFile(directory, "a", fromText("abcdef"));
    const fd = openat(directory, "a", O_RDONLY);
    const { view, isUntouched } = guarded(4);
    expect(read(fd, view)).toBe(4);
    expect(read(fd, view)).toBe(2);
    expect(toText(view)).toBe("efcd");
    expect(read(fd, view)).toBe(0);
    expect(isUntouched()).toBe(true);
    close(fd);
  });

  test("a large one is written whole", () => {
    const directory = scratchDescriptor();
    const bytes = new Uint8Array(3 << 20);
    for (let at = 0; at < bytes.length; at += 4093) bytes[at] = at;
    makeFile(directory, "a", bytes);
    const stat = new Stat();
    expect(statx(directory, "a", 0, stat)).toBe(0);
    expect(stat.size).toBe(3 << 20);
  });

  test("mode is set whatever the umask is", () => {
    const directory = scratchDescriptor();
    umask(0o077);
    const fd = openat(directory, "a", O_WRONLY | O_CREAT, 0o666);
    const stat = new Stat();
    fstat(fd, stat);
    expect(stat.mode).toBe(0o600);
    expect(fchmod(fd, 0o4755)).toBe(0);
    fstat(fd, stat);
    expect(stat.mode).toBe(0o4755);
    close(fd);
    umask(0o022);
    mkdirat(directory, "d", 0o777);
    statx(directory, "d", 0, stat);
    expect(stat.mode).toBe(0o755);
  });

  test("a failure is the negated errno", () => {
    const directory = scratchDescriptor();
    makeFile(directory, "file", new Uint8Array(1));
    mkdirat(directory, "folder", 0o700);
    symlinkat("file", directory, "link");
    expect(openat(directory, "none", O_RDONLY)).toBe(-ENOENT);
    expect(openat(directory, "file", O_RDONLY | O_DIRECTORY)).toBe(-ENOTDIR);
    expect(openat(directory, "file/x", O_RDONLY)).toBe(-ENOTDIR);
    expect(openat(directory, "folder", O_WRONLY)).toBe(-EISDIR);
    expect(openat(directory, "link", O_RDONLY | O_NOFOLLOW)).toBe(-ELOOP);
    expect(openat(directory, "n".repeat(256), O_RDONLY)).toBe(-ENAMETOOLONG);
    expect(openat(directory, "n/".repeat(5000), O_RDONLY)).toBe(-ENAMETOOLONG);
    expect(openat(directory, "", O_RDONLY)).toBe(-ENOENT);
    expect(openat(12_345, "file", O_RDONLY)).toBe(-EBADF);
    expect(readlinkat(directory, "file")).toBe(-EINVAL);
    expect(unlinkat(directory, "folder")).toBe(-EISDIR);
    expect(unlinkat(directory, "file", AT_REMOVEDIR)).toBe(-ENOTDIR);
    expect(mkdirat(directory, "file", 0o700)).toBe(-EEXIST);
    expect(symlinkat("x", directory, "file")).toBe(-EEXIST);
    expect(symlinkat("", directory, "empty")).toBe(-ENOENT);
    expect(renameWithin(directory, "none", "file")).toBe(-ENOENT);
    expect(renameWithin(directory, "file", "folder")).toBe(-EISDIR);
    expect(fchmod(-1, 0)).toBe(-EBADF);
    expect(fsync(-1)).toBe(-EBADF);
    expect(getdents64(-1, new Uint8Array(100))).toBe(-EBADF);
    expect(namesIn(directory)).toEqual(["file", "folder", "link"]);
  });
});

describe("names", () => {
  test("are bytes, whatever they are", () => {
    const directory = scratchDescriptor();
    const names = ["\u00ff\u00fe", "a\nb", "\u0001", "caf\u00e9", "x".repeat(255), "\u00c3\u00a9", "-", " "];
    for (const name of names) makeFile(directory, name, fromText(name));
    expect(namesIn(directory)).toEqual([...names].sort());
    for (const name of names) {
      const fd = openat(directory, name, O_RDONLY);
      const bytes = new Uint8Array(300);
      expect(toText(bytes, 0, pread(fd, bytes, 0))).toBe(name);
      close(fd);
      expect(unlinkat(directory, name)).toBe(0);
    }
    expect(namesIn(directory)).toEqual([]);
  });

  test.each([
    ["NUL, last", "a\u0000"],
    ["NUL, first", "\u0000a"],
    ["NUL behind a byte above ASCII", "\u00ff\u0000a"],
    ["a wide character", "a\u0100"],
    ["a surrogate", "\udfff"],
  ] as const)("that are no names are refused by the primitive: %s", (_, name) => {
    const directory = scratchDescriptor();
    expect(() => openat(directory, name, O_RDONLY | O_CREAT, 0o600)).toThrow(TypeError);
    expect(() => symlinkat(name, directory, "link")).toThrow(TypeError);
    expect(() => symlinkat("target", directory, name)).toThrow(TypeError);
    expect(() => renameWithin(directory, "a", name)).toThrow(TypeError);
    expect(() => mkdirat(directory, name, 0o700)).toThrow(TypeError);
    expect(() => unlinkat(directory, name)).toThrow(TypeError);
    expect(() => readlinkat(directory, name)).toThrow(TypeError);
    expect(namesIn(directory)).toEqual([]);
  });

  test("put together from many parts arrive whole", () => {
    const directory = scratchDescriptor();
    let name = "";
    for (let index = 0; index < 120; index += 1) name = [name, index % 10, "\u00e9"].join("");
    makeFile(directory, name, new Uint8Array(0));
    expect(namesIn(directory)).toEqual([name]);
    expect(openat(directory, name + name, O_RDONLY)).toBe(-ENAMETOOLONG);
  });
});

describe("directories", () => {
  test("are listed through a small buffer as through a large one", () => {
    const directory = scratchDescriptor();
    const names = Array.from({ length: 300 }, (_, index) => `lib${index}.so.${"9".repeat(index % 200)}`).sort();
    for (const name of names) makeFile(directory, name, new Uint8Array(0));
    expect(namesIn(directory)).toEqual(names);
    expect(namesIn(directory, 512)).toEqual(names);
  });

  test("a buffer without room for one entry is EINVAL, and nothing is written beside it", () => {
    const directory = scratchDescriptor();
    makeFile(directory, "x".repeat(200), new Uint8Array(0));
    for (const length of [0, 1, 23]) {
      const fd = openat(directory, ".", O_RDONLY | O_DIRECTORY);
      const { view, isUntouched } = guarded(length);
      expect(getdents64(fd, view)).toBe(-EINVAL);
      expect(isUntouched()).toBe(true);
      close(fd);
    }
  });

  test("entries stay inside the buffer", () => {
    const directory = scratchDescriptor();
    for (let index = 0; index < 50; index += 1) makeFile(directory, `name${index}`, new Uint8Array(0));
    const fd = openat(directory, ".", O_RDONLY | O_DIRECTORY);
    const { view, isUntouched } = guarded(333);
    let used = 1;
    while (used > 0) used = getdents64(fd, view);
    expect(used).toBe(0);
    expect(isUntouched()).toBe(true);
    close(fd);
  });

  test("O_PATH descriptors name a place and cannot be read", () => {
    const directory = scratchDescriptor();
    makeFile(directory, "a", new Uint8Array(1));
    const fd = openat(directory, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    expect(getdents64(fd, new Uint8Array(1000))).toBe(-EBADF);
    expect(fchmod(fd, 0o777)).toBe(-EBADF);
    const inner = openat(fd, "a", O_RDONLY);
    expect(inner).toBeGreaterThan(2);
    close(inner);
    close(fd);
  });
});

describe("links", () => {
  test("carry any bytes as their target", () => {
    const directory = scratchDescriptor();
    const targets = ["../../x", "/", "\u00ff\n\u0001", `${"d/".repeat(2000)}e`];
    targets.forEach((target, index) => {
      expect(symlinkat(target, directory, `l${index}`)).toBe(0);
      expect(readlinkat(directory, `l${index}`)).toBe(target);
    });
    expect(symlinkat("t".repeat(4096), directory, "long")).toBe(-ENAMETOOLONG);
  });

  test("are replaced in one step by a rename", () => {
    const directory = scratchDescriptor();
    symlinkat("old", directory, "link");
    symlinkat("new", directory, "temporary");
    expect(renameWithin(directory, "temporary", "link")).toBe(0);
    expect(readlinkat(directory, "link")).toBe("new");
    expect(namesIn(directory)).toEqual(["link"]);
  });
});

describe("what a file is", () => {
  test("type, mode, links, size and identity", () => {
    const directory = scratchDescriptor();
    makeFile(directory, "file", new Uint8Array(1234));
    symlinkat("file", directory, "link");
    const stat = new Stat();
    expect(statx(directory, "file", 0, stat)).toBe(0);
    expect([stat.type, stat.size, stat.links]).toEqual([S_IFREG, 1234, 1]);
    const { identity } = stat;
    expect(statx(directory, "link", 0, stat)).toBe(0);
    expect(stat.identity).toBe(identity);
    expect(statx(directory, "link", AT_SYMLINK_NOFOLLOW, stat)).toBe(0);
    expect([stat.type, stat.size]).toEqual([S_IFLNK, 4]);
    expect(stat.identity === identity).toBe(false);
    expect(fstat(directory, stat)).toBe(0);
    expect([stat.type, stat.mode]).toEqual([S_IFDIR, 0o700]);
    expect(statx(AT_FDCWD, "/dev/null", 0, stat)).toBe(0);
    expect(stat.type).toBe(S_IFCHR);
    expect(statx(directory, "none", 0, stat)).toBe(-ENOENT);
    const fd = openat(directory, "file", O_PATH | O_NOFOLLOW);
    expect(fstat(fd, stat)).toBe(0);
    expect(stat.identity).toBe(identity);
    close(fd);
    expect(fstat(fd, stat)).toBe(-EBADF);
  });

  test("the file system it is on", () => {
    const proc = openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY);
    expect(fileSystemMagic(proc)).toBe(0x9fa0);
    close(proc);
    expect(fileSystemMagic(proc)).toBe(-EBADF);
  });
});
