import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { HookError } from "../errors.ts";
import { errnoName } from "../kernel/errno.ts";
import { Logger, plainSink } from "../logger.ts";
import { EIO, ENOENT, EROFS } from "../rootfs/constants.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import { isFatal, kernelFailures, runForgiving } from "./fatal.ts";
import type { Hook, HookCall } from "./hook.ts";
import { hooks } from "./index.ts";

/** The table as the documentation has it. */
function markdown(): string {
  const names = (errnos: readonly number[]): string => errnos.map((errno) => `\`${errnoName(errno)}\``).join(", ");
  const rows = kernelFailures().map(({ hook, fatal, untold, without }) => {
    const others = untold.length === 0 && typeof fatal === "string" ? "every" : "every other";
    const cells = [hook, typeof fatal === "string" ? fatal : names(fatal), fatal === "every" ? "none" : others];
    return `| ${[...cells, names(untold) || "none", without].join(" | ")} |`;
  });
  const head = "| hook | exit 1 | warning, exit 0 | told with `--debug` only | the container is then without |";
  return [head, "|---|---|---|---|---|", ...rows].join("\n");
}

test("every hook has its row, and every row its hook", () => {
  expect(
    kernelFailures()
      .map(({ hook }) => hook)
      .toSorted(),
  ).toEqual(hooks.map(({ name }) => name).toSorted());
});

test("docs/hooks.md has the table as it is", () => {
  const path = resolve(import.meta.dirname, "../../docs/hooks.md");
  expect(existsSync(path) && readFileSync(path, "utf8")).toContain(`\n\n${markdown()}\n\n`);
});

test("a malformed command line, a bad state and a bad root are fatal for all", () => {
  for (const { name } of hooks) {
    for (const code of ["usage", "state", "root", "limit", "refused"] as const) {
      expect(isFatal(name, new HookError(code, "do", "", "no"))).toBe(true);
    }
    expect(isFatal(name, new Error("defect"))).toBe(true);
  }
});

test("a hook without a row forgives nothing", () => {
  expect(isFatal("future", kernelFailure("write", "/x", -EROFS))).toBe(true);
});

describe("a hook that fails", () => {
  const kernel = (errno: number): HookError => kernelFailure("write", `/${errno}`, -errno);
  const usage = new HookError("usage", "parse", "", "no");

  function run(name: string, error: Error): { lines: string[]; thrown: unknown } {
    const lines: string[] = [];
    const hook: Hook = {
      name,
      summary: "",
      flags: [],
      run: () => {
        throw error;
      },
    };
    const unused = (): never => expect.fail("called");
    const flags = { given: unused, isSet: unused, text: unused, list: unused };
    const log = new Logger(
      "warning",
      plainSink((line) => lines.push(line)),
    );
    const call: HookCall = { flags, log, state: unused, root: unused };
    try {
      runForgiving(hook, call);
    } catch (thrown) {
      return { lines, thrown };
    }
    return { lines, thrown: undefined };
  }

  test("on a read-only place: fatal where the driver would not be found, else a warning", () => {
    for (const { hook, fatal } of kernelFailures()) {
      const { lines, thrown } = run(hook, kernel(EROFS));
      expect(thrown === undefined, hook).toBe(fatal !== "every");
      expect(lines.length, hook).toBe(fatal === "every" ? 0 : 1);
    }
    expect(run("enable-cuda-compat", kernel(EROFS)).lines).toEqual([
      "cdi-hook: warning: enable-cuda-compat: write /30: read-only file system (EROFS)\n",
    ]);
  });

  test("in several ways tells each, and throws what is fatal", () => {
    const all = new AggregateError([kernel(EIO), usage, kernel(ENOENT), kernel(EROFS)]);
    const { lines, thrown } = run("chmod", all);
    expect(lines).toEqual([expect.stringContaining("(EIO)"), expect.stringContaining("(EROFS)")]);
    expect(thrown).toBeInstanceOf(AggregateError);
    expect((thrown as AggregateError).errors).toEqual([usage]);
  });

  test("in fatal ways only is thrown as it is", () => {
    const all = new AggregateError([kernel(EIO), kernel(EROFS)]);
    expect(run("create-symlinks", all).thrown).toBe(all);
  });
});
