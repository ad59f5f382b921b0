import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { fromText, toText } from "../bytes/text.ts";
import { fgetxattr, fsetxattr } from "../kernel/extended-attributes.ts";
import { replaceHostFile } from "./replace-file.ts";

function attribute(path: string, name: string, value?: string): string | number {
  const file = openSync(path, "r");
  try {
    if (value !== undefined) return fsetxattr(file, name, fromText(value));
    const found = fgetxattr(file, name);
    return typeof found === "number" ? found : toText(found);
  } finally {
    closeSync(file);
  }
}

test("the bytes are new, owner, mode and attributes are the old file's, and nothing else is there", (context) => {
  const path = join(scratchDirectory(), "spec.json");
  writeFileSync(path, "old");
  chmodSync(path, 0o640);
  if (attribute(path, "user.note", "kept\0bytes") !== 0) context.skip("needs extended attributes in /tmp");
  const before = statSync(path);
  replaceHostFile(path, fromText("new bytes"));
  const { mode, ino } = statSync(path);
  expect(mode).toBe(before.mode);
  expect(ino).not.toBe(before.ino);
  expect(readFileSync(path, "latin1")).toBe("new bytes");
  expect(attribute(path, "user.note")).toBe("kept\0bytes");
  expect(readdirSync(join(path, ".."))).toEqual(["spec.json"]);
});

test("another's file stays his, with its label, but a digest of the old bytes does not stay", (context) => {
  if (process.getuid?.() !== 0) context.skip("needs root");
  const path = join(scratchDirectory(), "spec.json");
  writeFileSync(path, "old");
  chownSync(path, 12, 34);
  chmodSync(path, 0o4640);
  const label = "system_u:object_r:etc_t:s0\0";
  if (attribute(path, "security.selinux", label) !== 0) context.skip("needs a kernel that stores labels in /tmp");
  expect(attribute(path, "security.ima", "digest of the old bytes")).toBe(0);
  replaceHostFile(path, fromText("new bytes"));
  const { uid, gid, mode } = statSync(path);
  expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 12, gid: 34, mode: 0o4640 });
  expect(attribute(path, "security.selinux")).toBe(label);
  expect(attribute(path, "security.ima")).toBe(-61);
});

test("a new file has the mode that is asked for, whatever the umask says", () => {
  const path = join(scratchDirectory(), "new");
  const umask = process.umask(0o077);
  try {
    replaceHostFile(path, fromText("x"), 0o666);
  } finally {
    process.umask(umask);
  }
  expect(statSync(path).mode & 0o7777).toBe(0o666);
});

test("a link stays, and what it leads to is replaced; a link to nothing is filled", () => {
  const folder = scratchDirectory();
  mkdirSync(join(folder, "real"));
  writeFileSync(join(folder, "real/file"), "old");
  symlinkSync("second", join(folder, "first"));
  symlinkSync("real/file", join(folder, "second"));
  replaceHostFile(join(folder, "first"), fromText("new"));
  expect(readlinkSync(join(folder, "first"))).toBe("second");
  expect(readFileSync(join(folder, "real/file"), "latin1")).toBe("new");
  symlinkSync(join(folder, "real/missing"), join(folder, "dangling"));
  replaceHostFile(join(folder, "dangling"), fromText("made"));
  expect(readFileSync(join(folder, "real/missing"), "latin1")).toBe("made");
  symlinkSync("circle", join(folder, "circle"));
  expect(() => replaceHostFile(join(folder, "circle"), fromText("x"))).toThrow("ELOOP");
});

test("a directory is refused, a missing folder is an error, and nothing is left behind", () => {
  const folder = scratchDirectory();
  mkdirSync(join(folder, "directory"));
  expect(() => replaceHostFile(join(folder, "directory"), fromText("x"))).toThrow("not a regular file");
  expect(() => replaceHostFile(join(folder, "missing/file"), fromText("x"))).toThrow("ENOENT");
  expect(readdirSync(folder)).toEqual(["directory"]);
});

test("what a killed process left is removed, a living one's is not", () => {
  const folder = scratchDirectory();
  const dead = ".cdi-hook-4194305-0123456789abcdef";
  const living = ".cdi-hook-1-0123456789abcdef";
  for (const name of [dead, living]) writeFileSync(join(folder, name), "");
  replaceHostFile(join(folder, "file"), fromText("x"));
  expect(readdirSync(folder)).toEqual([living, "file"]);
});
