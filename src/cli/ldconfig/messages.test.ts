import { expect, test } from "vitest";
import { profileFor } from "../../ldconfig/profile.ts";
import { EACCES, EISDIR } from "../../kernel/errno.ts";
import { type Messages, Teller } from "./messages.ts";

test("a library that cannot be opened is told of, but over a link of a library's name", () => {
  const told: string[] = [];
  const messages: Pick<Messages, "warn"> = { warn: (message) => told.push(message) };
  const profile = profileFor({ glibc: "2.36", distribution: "debian", architecture: "x86-64" });
  const teller = new Teller(messages as Messages, false, profile);
  teller.unopened("/opt/libx.so.1", -EACCES, false);
  teller.unopened("/opt/libx.so", -EACCES, true);
  teller.unopened("/opt/glibc-hwcaps/x86-64-v3/plain", -EACCES, true);
  teller.unopened("/opt/libdir.so", -EISDIR, true);
  expect(told).toEqual([
    "Input file /opt/libx.so.1 not found.",
    "Input file /opt/glibc-hwcaps/x86-64-v3/plain not found.",
    "Cannot mmap file /opt/libdir.so.",
  ]);
});
