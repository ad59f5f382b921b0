import { describe, expect, test } from "vitest";
import { suggestionFor } from "./suggest.ts";

const hooks = ["create-symlinks", "update-ldcache", "update-application-profile", "chmod", "noop", "chain"];

describe("a word that is near is suggested", () => {
  test.each([
    ["update-ldcach", "update-ldcache"],
    ["updateldcache", "update-ldcache"],
    ["upadte-ldcahce", "update-ldcache"],
    ["create-symlink", "create-symlinks"],
    ["creat", "create-symlinks"],
    ["chmdo", "chmod"],
    ["nop", "noop"],
  ])("%s: %s", (word, meant) => {
    expect(suggestionFor(word, hooks)).toBe(meant);
  });
});

describe("nothing is suggested", () => {
  test.each([
    ["for the word itself", "chmod"],
    ["for a beginning of several", "update"],
    ["for a hook of the future", "create-soname-symlinks"],
    ["for a few letters", "ch"],
    ["for no letters", ""],
    ["for what nobody typed", "chmod".repeat(1000)],
  ])("%s", (_when, word) => {
    expect(suggestionFor(word, hooks)).toBeUndefined();
  });
});
