import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { scratchDirectory } from "../test/support/scratch.ts";
// @ts-expect-error: plain JavaScript
import { once as untyped } from "./quickjs.mjs";

type Make = (directory: string) => void;
const once = untyped as (
  name: string,
  key: string,
  make: Make,
  say: (line: string) => void,
  what: string,
) => Promise<string>;

describe("what is compiled once", () => {
  let made = 0;
  const make: Make = (directory) => {
    made += 1;
    writeFileSync(join(directory, "engine.o"), "machine code");
    writeFileSync(join(directory, "engine.c"), "text");
  };
  const folder = (): Promise<string> => once("engine", "a compiler", make, () => undefined, "compiling");

  beforeEach(() => {
    made = 0;
    vi.stubEnv("XDG_CACHE_HOME", scratchDirectory());
  });

  test("is there afterwards, and not made again", async () => {
    const first = await folder();
    expect(readFileSync(join(first, "engine.o"), "utf8")).toBe("machine code");
    expect(await folder()).toBe(first);
    expect(made).toBe(1);
  });

  test.each([
    ["empty", (path: string) => truncateSync(path)],
    ["missing", (path: string) => rmSync(path)],
    ["another", (path: string) => writeFileSync(path, "other code")],
  ])("is made again when a file of it is %s", async (_, damage) => {
    damage(join(await folder(), "engine.o"));
    expect(readFileSync(join(await folder(), "engine.o"), "utf8")).toBe("machine code");
    expect(made).toBe(2);
  });

  test("is not there when it could not be made", async () => {
    const failing = once(
      "engine",
      "a compiler",
      () => {
        throw new Error("no space");
      },
      () => undefined,
      "compiling",
    );
    await expect(failing).rejects.toThrow("no space");
    expect(existsSync(join(await folder(), "engine.o"))).toBe(true);
  });
});
