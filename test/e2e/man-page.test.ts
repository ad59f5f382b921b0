/** The manual page: what is committed is what the executable tells of itself, and roff takes it without complaint. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { compatDropInPath } from "../../src/hooks/cuda-compat-drop-in.ts";
import { profilePath } from "../../src/hooks/application-profile.ts";
import { dropInPath } from "../../src/hooks/drop-in.ts";
import { hooks } from "../../src/hooks/index.ts";
import { CACHE_PATH, CONFIGURATION_PATH } from "../../src/ldconfig/update.ts";
import { runHook } from "../support/executable.ts";
import { program } from "../support/debian-root.ts";

const path = resolve(import.meta.dirname, "../../docs/man/cdi-hook.8");
const page = readFileSync(path, "latin1");

test("docs/man/cdi-hook.8 is what scripts/man.mjs writes", () => {
  const { status, stdout, stderr } = runHook(["man"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(page === stdout.toString("latin1"), 'run "node scripts/man.mjs" after a build').toBe(true);
});

test("it has every hook with every flag, and the files that hooks write", () => {
  const text = page.replaceAll("\\-", "-");
  for (const { name, flags } of hooks) {
    const part = text.split(`\n.SS ${name}\n`)[1]?.split(/\n\.S[SH] /)[0];
    for (const flag of flags) expect(part?.includes(`--${flag.name}`), flag.name).toBe(flag.removed !== true);
  }
  for (const file of [CACHE_PATH, CONFIGURATION_PATH, dropInPath, compatDropInPath, profilePath])
    expect(text).toContain(`\\fI${file}\\fR`);
});

test.each(["update-ldcache", "apply", "cdi rewrite", "cdi watch", "install", "uninstall", "cleanup"])(
  "it has the defaults that the help of %s has",
  (words) => {
    const defaults = (text: string): string[] => text.match(/\[default[^\]]*\]/g) ?? [];
    const help = runHook(["help", ...words.split(" ")])
      .stdout.toString()
      .replaceAll(/\s+/g, " ");
    const part =
      page
        .replaceAll("\\-", "-")
        .split(`\n.SS ${words}\n`)[1]
        ?.split(/\n\.S[SH] /)[0] ?? "";
    expect(defaults(help)).not.toEqual([]);
    expect(defaults(part.replaceAll(/\s+/g, " "))).toEqual(defaults(help));
    expect(help).not.toContain("(default");
  },
);

/** A page that is the same for every build has no date. */
const accepted = /: WARNING: missing date, using "": TH$/;

describe("roff takes it", () => {
  test.for([
    ["groff", "-man", "-ww", "-Tutf8", "-z", path],
    ["groff", "-man", "-ww", "-Tascii", "-z", path],
    ["mandoc", "-T", "lint", path],
  ])("%s %s %s", ([name = "", ...words], context) => {
    if (program(name) === undefined) context.skip(`needs ${name}`);
    const { stdout, stderr } = spawnSync(name, words, { encoding: "utf8" });
    const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "" && !accepted.test(line));
    expect(lines).toEqual([]);
  });

  test("and it is plain ASCII without long lines", () => {
    expect(page).toMatch(/^[\x20-\x7e\n]*$/);
    const filled = page.replaceAll(/^\.EX\n[^]*?^\.EE$/gm, "");
    expect(filled.split("\n").filter((line) => line.length > 100)).toEqual([]);
  });

  test("and a broken page is noticed", (context) => {
    if (program("groff") === undefined) context.skip("needs groff");
    const { stderr } = spawnSync("groff", ["-man", "-ww", "-Tutf8", "-z"], {
      input: `${page}.NOSUCH x\n`,
      encoding: "utf8",
    });
    expect(stderr).toContain("NOSUCH");
  });
});
