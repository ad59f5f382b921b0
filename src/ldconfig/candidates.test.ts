import { expect, test } from "vitest";
import { anyTemporary, isLibraryName, isTemporaryName } from "./candidates.ts";

test.each([
  ["libfoo.so", true, true],
  ["libfoo.so.1.2", true, true],
  ["libfoo.so.conf", true, true],
  ["libfoo.sock", true, true],
  ["ld-linux-x86-64.so.2", true, true],
  ["ld-x.so", true, true],
  ["ld.so.1", false, true],
  ["ld64.so.2", false, true],
  ["ld.so", false, false],
  ["foo.so", false, false],
  ["libfoo.a", false, false],
  ["Libfoo.so", false, false],
  ["l", false, false],
  ["", false, false],
])("%s", (name, before, since) => {
  expect([isLibraryName(name, false), isLibraryName(name, true)]).toEqual([before, since]);
});

test.each([
  ["libx.so.1", false, false],
  ["libx.so.1.#prelink#", true, true],
  ["libx.so.1.#prelink#.abcdef", true, true],
  ["libx.so.1.#prelink#.abcde", false, false],
  [".#prelink#.abcdef", true, true],
  ["libx.so.1;5f3e2a1b", false, true],
  ["libx.so.1.dpkg-new", false, true],
  ["libx.so.1.dpkg-tmp", false, true],
  ["libx.so.1.dpkg-new.1", false, false],
])("%s is temporary", (name, before, since) => {
  expect([isTemporaryName(name, false), isTemporaryName(name, true)]).toEqual([before, since]);
  expect(anyTemporary(`a/${name}/b`) || !since).toBe(true);
});
