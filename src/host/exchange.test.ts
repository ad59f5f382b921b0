import { existsSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../kernel/constants.ts";
import { ESTALE } from "../kernel/errno.ts";
import { close, openat } from "../kernel/files.ts";
import { exchangeGuarded } from "./exchange.ts";

/**
 * Exchanges "ours" for "old" while, after each look at the file that is replaced, the next of `between` happens; what is
 * there in the end. The guard knows the file by what is in it.
 */
function exchanged(
  between: readonly ((path: string) => void)[],
): readonly [result: number, there: string | undefined, beside: readonly string[]] {
  const top = scratchDirectory();
  const directory = openat(AT_FDCWD, top, O_PATH | O_DIRECTORY | O_CLOEXEC);
  onTestFinished(() => void close(directory));
  const path = join(top, "a.json");
  writeFileSync(path, "old");
  writeFileSync(join(top, "t"), "ours");
  const steps = [...between];
  const result = exchangeGuarded(directory, "t", "a.json", {
    holds: (_, name) => {
      const held = readFileSync(join(top, name), "utf8") === "old";
      steps.shift()?.(path);
      return held;
    },
  });
  const beside = readdirSync(top).filter((name) => name !== "a.json");
  return [result, existsSync(path) ? readFileSync(path, "utf8") : undefined, beside];
}

/** Puts a new file there, as another process would. */
const put =
  (text: string) =>
  (path: string): void => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
const nothing = (): void => undefined;

test("the file that was read is replaced", () => {
  expect(exchanged([])).toEqual([0, "ours", []]);
});

test("another one is not, whenever it came", () => {
  expect(exchanged([put("theirs")])).toEqual([-ESTALE, "theirs", []]);
  expect(exchanged([put("theirs"), put("newer")])).toEqual([-ESTALE, "newer", []]);
});

test("one that was put in the place of ours is kept", () => {
  expect(exchanged([nothing, put("theirs")])).toEqual([0, "theirs", []]);
});

test("a name that is gone stays gone", () => {
  const [result, there] = exchanged([rmSync]);
  expect([result < 0, there]).toEqual([true, undefined]);
  expect(exchanged([put("theirs"), rmSync])).toEqual([-ESTALE, undefined, []]);
});
