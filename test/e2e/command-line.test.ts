/** The command line of the built executable: its names, its flags, its log, and what it does with bad input. */
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { globalFlags } from "../../src/cli/globals.ts";
import { hooks } from "../../src/hooks/index.ts";
import { executablePath, runHook, stateFor, type RunOptions, type RunResult } from "../support/executable.ts";

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "command-"));
  root = join(base, "rootfs");
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true }));

function linesOf({ stderr }: RunResult): string[] {
  return stderr.split("\n").filter((line) => line !== "");
}

function makeLink(words: readonly string[], options: RunOptions = {}): RunResult {
  return runHook([...words, "create-symlinks", "--link", "target::/link"], { stdin: stateFor(root), ...options });
}

describe("names", () => {
  test.each([
    ["cdi-hook", []],
    ["cdi-hook", ["hook"]],
    ["nvidia-cdi-hook", []],
    ["/usr/bin/nvidia-cdi-hook", []],
    ["nvidia-ctk", ["hook"]],
    ["/usr/bin/nvidia-ctk", ["--debug=false", "hook", "--quiet"]],
    ["whatever", []],
    ["", []],
  ])("args[0] %j and the words %j lead to the hook", (argv0, words) => {
    const result = makeLink(words, { argv0 });
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(readlinkSync(join(root, "link"))).toBe("target");
  });

  test("-- before the hook leaves the hook its flags, as with NVIDIA's", () => {
    for (const words of [["--"], ["hook", "--"]]) {
      rmSync(join(root, "link"), { force: true });
      expect(makeLink(words)).toMatchObject({ status: 0, stderr: "" });
      expect(readlinkSync(join(root, "link"))).toBe("target");
    }
  });

  test("a link's name is a name", () => {
    const link = join(base, "nvidia-ctk");
    symlinkSync(executablePath, link);
    expect(runHook(["noop"], { executable: link }).status).toBe(1);
    expect(runHook(["hook", "noop"], { executable: link }).status).toBe(0);
  });

  test("nvidia-ctk's other commands are somebody else's", () => {
    const result = runHook(["cdi", "generate"], { argv0: "nvidia-ctk" });
    expect(result.status).toBe(1);
    expect(linesOf(result)).toEqual([expect.stringContaining("run the real nvidia-ctk by its path")]);
  });

  test("who forgot nvidia-ctk's word hook is told where it stands", () => {
    const result = runHook(["chmod", "--mode", "755"], { argv0: "nvidia-ctk" });
    expect(result.status).toBe(1);
    expect(linesOf(result)).toEqual([expect.stringContaining("(nvidia-ctk hook chmod)")]);
  });
});

describe("hooks that are not known", () => {
  test.each([
    [[]],
    [[""]],
    [["future-hook", "--x", "1", "--link=a"]],
    [["future-hook", "--version"]],
    [["future-hook", "--view"]],
    [["hook", "ldcache"]],
  ])("%j is a warning", (words) => {
    const result = runHook(words, { argv0: "nvidia-cdi-hook" });
    expect(result.status).toBe(0);
    expect(result.stdout.length).toBe(0);
    expect(linesOf(result)).toEqual([expect.stringMatching(/^cdi-hook: warning: (?! ).*nothing is done/)]);
  });

  test.each([
    [["--debgu", "ldcache", "print"], "print: ignoring unknown flag --debgu (did you mean --debug?)"],
    [["--debgu", "chain", "noop"], "chain: ignoring unknown flag --debgu (did you mean --debug?)"],
  ])("%j: the flag that stands before is told", (words, line) => {
    expect(linesOf(runHook(words))[0]).toBe(`cdi-hook: warning: ${line}`);
  });

  test.each([
    ["nvidia-cdi-hook", ["update-ldcach", "--folder", "/x"], "update-ldcache"],
    ["nvidia-ctk", ["hook", "creat-symlink"], "create-symlinks"],
    ["cdi-hook", ["ldcach", "rebuild"], "ldcache"],
    ["cdi-hook", ["chain", "chmdo", "--", "noop"], "chmod"],
  ])("%s %j has a suggestion, and still no effect", (argv0, words, meant) => {
    const result = runHook(words, { argv0 });
    expect(result.status).toBe(0);
    expect(linesOf(result)).toEqual([expect.stringContaining(` (did you mean ${meant}?)`)]);
  });

  test("a hook of another name is suggested to nobody, nor is a command for people to a spec", () => {
    for (const word of ["create-soname-symlinks", "ldcach", "x".repeat(100_000)]) {
      expect(runHook([word], { argv0: "nvidia-cdi-hook" }).stderr).not.toContain("did you mean");
    }
  });

  test("a mistyped flag has a suggestion", () => {
    const result = makeLink(["--debgu=1"]);
    expect(result.status).toBe(0);
    expect(linesOf(result)).toEqual([
      "cdi-hook: warning: create-symlinks: ignoring unknown flag --debgu (did you mean --debug?)",
    ]);
    expect(readlinkSync(join(root, "link"))).toBe("target");
  });

  test("an unknown flag is a warning, and the work is done", () => {
    const result = makeLink(["--future=1"]);
    expect(result.status).toBe(0);
    expect(linesOf(result)).toEqual(["cdi-hook: warning: create-symlinks: ignoring unknown flag --future"]);
    expect(readlinkSync(join(root, "link"))).toBe("target");
  });
});

describe("bad input is one line, exit 1, and nothing written", () => {
  const cases: Record<string, () => [words: string[], options: RunOptions]> = {
    "no stdin": () => [["create-symlinks", "--link", "a::/b"], {}],
    "empty stdin": () => [["create-symlinks", "--link", "a::/b"], { stdin: "" }],
    "a truncated state": () => [["create-symlinks", "--link", "a::/b"], { stdin: stateFor(root).slice(0, -1) }],
    "a state that is no JSON": () => [["update-ldcache"], { stdin: '{"root":,}' }],
    "a state that is no object": () => [["update-ldcache"], { stdin: `["${root}"]` }],
    "a root that is no string": () => [["update-ldcache"], { stdin: stateFor(root, { root: 1 }) }],
    "no root and no bundle": () => [["update-ldcache"], { stdin: "{}" }],
    "a bundle that is not there": () => [["update-ldcache"], { stdin: JSON.stringify({ bundle: join(base, "no") }) }],
    "a bundle without config.json": () => [["update-ldcache"], { stdin: JSON.stringify({ bundle: base }) }],
    "an empty root": () => [["update-ldcache"], { stdin: stateFor("") }],
    "the host's root": () => [["update-ldcache"], { stdin: stateFor("/") }],
    "the host's root by another name": () => [["update-ldcache"], { stdin: stateFor("/usr/../..//.") }],
    "the host's root by a link": () => {
      symlinkSync("/", join(base, "host"));
      return [["update-ldcache"], { stdin: stateFor(join(base, "host")) }];
    },
    "a root that is not there": () => [["update-ldcache"], { stdin: stateFor(join(base, "no")) }],
    "a root that is a file": () => {
      writeFileSync(join(base, "file"), "");
      return [["update-ldcache"], { stdin: stateFor(join(base, "file")) }];
    },
    "a malformed --link": () => [["create-symlinks", "--link", "a::/b", "--link", "c"], { stdin: stateFor(root) }],
    "a flag without its value": () => [["create-symlinks", "--link"], { stdin: stateFor(root) }],
    "a --container-spec that is not there": () => [
      ["update-ldcache", "--container-spec", join(base, "no")],
      { stdin: stateFor(root) },
    ],
  };
  test.each(Object.entries(cases))("%s", (_name, make) => {
    const [words, options] = make();
    const result = runHook(words, options);
    expect(result.status).toBe(1);
    expect(linesOf(result)).toEqual([expect.stringMatching(/^cdi-hook: error: [a-z-]+: /)]);
    expect(readdirSync(root)).toEqual([]);
  });
});

test("who asks for something in the root's /proc or /sys is told that it is left alone, not that a right is missing", () => {
  for (const link of ["/proc/x", "sys/a/b"]) {
    const result = runHook(["create-symlinks", "--link", `a::${link}`], { stdin: stateFor(root) });
    expect(result.status).toBe(1);
    expect(linesOf(result)).toEqual([expect.stringMatching(/: \/proc and \/sys are left alone: .*\(EACCES\)$/)]);
  }
  expect(readdirSync(root)).toEqual([]);
});

describe("the state", () => {
  test("may come from a file, and from config.json", () => {
    writeFileSync(join(base, "state.json"), JSON.stringify({ bundle: base }));
    writeFileSync(join(base, "config.json"), JSON.stringify({ root: { path: "rootfs" } }));
    const words = ["--container-spec", join(base, "state.json")];
    expect(runHook(["create-symlinks", "--link", "a::/b", ...words]).status).toBe(0);
    expect(readlinkSync(join(root, "b"))).toBe("a");
  });

  test("is taken from a pipe that stays open, in pieces, with data behind it", async () => {
    const child = spawn(executablePath, ["create-symlinks", "--link", "a::/b", "--container-spec", "-"], { env: {} });
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    child.stdin.on("error", () => undefined);
    const state = stateFor(root);
    child.stdin.write(state.slice(0, 10));
    await new Promise((resolve) => setTimeout(resolve, 50));
    child.stdin.write(`${state.slice(10)} {"more": `);
    expect(await ended).toBe(0);
    child.stdin.destroy();
    expect(readlinkSync(join(root, "b"))).toBe("a");
  });

  test("is not read by noop, nor when there is nothing to do", () => {
    expect(runHook(["noop"])).toMatchObject({ status: 0, stderr: "" });
    expect(runHook(["create-symlinks"])).toMatchObject({ status: 0, stderr: "" });
  });
});

describe("the log", () => {
  test("is silent unless asked, and --quiet wins", () => {
    expect(makeLink([]).stderr).toBe("");
    expect(makeLink(["-d"]).stderr).toContain("cdi-hook: debug: link /link -> target");
    expect(makeLink(["-d", "--quiet"]).stderr).toBe("");
  });

  test("obeys NVIDIA's variables", () => {
    expect(makeLink([], { env: { NVIDIA_CTK_DEBUG: "true" } }).stderr).not.toBe("");
    expect(makeLink([], { env: { NVIDIA_CTK_DEBUG: "false", NVIDIA_CDI_DEBUG: "true" } }).stderr).toBe("");
    expect(makeLink([], { env: { NVIDIA_CTK_DEBUG: "maybe" } })).toMatchObject({ status: 0, stderr: "" });
    for (const quiet of ["NVIDIA_CTK_QUIET", "NVIDIA_CDI_QUIET", "NVDIA_CTK_QUIET"]) {
      expect(makeLink([], { env: { NVIDIA_CDI_DEBUG: "1", [quiet]: "T" } }).stderr).toBe("");
    }
  });

  test("is pino's JSON when asked", () => {
    const byFlag = runHook(["--log-format", "json", "create-symlinks", "--link", "\u001b"], { stdin: stateFor(root) });
    const byVariable = runHook(["future"], { env: { CDI_HOOK_LOG_FORMAT: "json" } });
    const [error] = linesOf(byFlag).map((line): unknown => JSON.parse(line));
    expect(error).toMatchObject({ level: 50, code: "usage", operation: "parse --link", path: "\u001b" });
    const [warning] = linesOf(byVariable).map((line): unknown => JSON.parse(line));
    expect(warning).toMatchObject({ level: 40, msg: expect.stringContaining("future") as unknown });
    expect(warning).toHaveProperty("time");
  });

  test("a name cannot forge a line", () => {
    const result = runHook(["create-symlinks", "--link", "a\ncdi-hook: error: b"], { stdin: stateFor(root) });
    expect(linesOf(result)).toHaveLength(1);
  });

  test("many failures are few lines", () => {
    const links = Array.from({ length: 100 }, (_, n) => ["--link", `a::/proc/${n}`]).flat();
    const result = runHook(["create-symlinks", ...links], { stdin: stateFor(root) });
    expect(result.status).toBe(1);
    expect(linesOf(result).length).toBeLessThan(10);
  });
});

describe("for people", () => {
  test("--version and --help, with and without a hook", () => {
    expect(runHook(["--version"]).stdout.toString()).toMatch(/^cdi-hook \d+\.\d+\.\d+\n$/);
    expect(runHook(["--help"]).stdout.toString()).toContain("create-symlinks");
    const help = runHook(["create-symlinks", "-h"]).stdout.toString();
    expect(help).toContain("--link <TARGET::LINK>");
    expect(help).not.toContain("csv-filename");
    expect(runHook(["help", "create-symlinks"]).stdout.toString()).toContain("--link <TARGET::LINK>");
  });

  describe.each([...hooks.filter(({ hidden }) => hidden !== true), { name: "chain", flags: [] }])("$name", (hook) => {
    test.each([[[hook.name, "--help"]], [["help", hook.name]]])("has help by %j: usage, flags, an example", (words) => {
      const { status, stdout, stderr } = runHook(words);
      expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
      const help = stdout.toString().replaceAll(/\s+/g, " ");
      expect(help).toMatch(new RegExp(`^Usage: cdi-hook ${hook.name} .* cdi-hook ${hook.name}.* < state\\.json $`));
      for (const flag of [...hook.flags.filter(({ removed }) => removed !== true), ...globalFlags]) {
        expect(help).toContain(`--${flag.name} `);
        expect(help).toContain(`${flag.help} `);
        expect(help).toContain(flag.default === undefined ? "" : `default ${flag.default}`);
      }
    });
  });

  test("every other command has help with examples", () => {
    for (const words of [["ldcache", "rebuild"], ["completion"], ["help"]]) {
      expect(runHook([...words, "--help"]).stdout.toString()).toContain(`\nExamples:\n  cdi-hook ${words.join(" ")}`);
    }
  });

  test.each([
    [["ldcache", "rebuid"], "unknown command 'rebuid' (did you mean rebuild?)"],
    [["ldcache", "rebuild", "--rot", "/x"], "unknown option '--rot' (did you mean --root?)"],
    [["help", "creat-symlinks"], "unknown command 'creat-symlinks' (did you mean create-symlinks?)"],
    [["help", "ldcache", "rebuil\n"], "unknown command 'rebuil\\n' (did you mean rebuild?)"],
    [["completion", "csh"], "bash, zsh, fish"],
    [["ldcache", "rebuild"], "--root is required"],
  ])("%j is one line with a suggestion, exit 1", (words, text) => {
    const result = runHook(words);
    expect(result).toMatchObject({ status: 1, stdout: Buffer.alloc(0) });
    expect(linesOf(result)).toEqual([expect.stringContaining(text)]);
    expect(result.stderr).toMatch(/^cdi-hook: error: /);
  });

  test("the flags of the log count for commands as well", () => {
    const words = ["ldcache", "rebuild", "--root", join(base, "no"), "--log-format=json"];
    expect(JSON.parse(runHook(words).stderr)).toMatchObject({ code: "root", command: "ldcache rebuild" });
  });

  test("in each form that hooks have for them", () => {
    const words = ["ldcache", "rebuild", "--root", join(base, "no")];
    for (const flags of [["--debug=false"], ["-d=0", "-quiet"], ["-debug", "--quiet=true"]]) {
      expect(linesOf(runHook([...flags, ...words, ...flags]))).toEqual([expect.stringContaining("ENOENT")]);
    }
    expect(linesOf(runHook([...words, "--debug=maybe"]))).toEqual([expect.stringContaining("unknown option")]);
  });

  test("ldconfig, whose options are its own, is not silent where flags stand before it", () => {
    for (const words of [
      ["--quiet", "ldconfig"],
      ["--debug", "ldconfig", "-p"],
    ]) {
      const result = runHook(words);
      expect(result.status).toBe(1);
      expect(linesOf(result)).toEqual([expect.stringContaining("ldconfig has to be the first word")]);
    }
    const help = runHook(["help", "ldconfig"]).stdout.toString();
    expect(help).toContain("cdi-hook ldconfig --help");
    expect(help).not.toContain("--debug");
  });

  test("ldcache rebuild says in one line what it did", () => {
    const words = ["ldcache", "rebuild", "--root", root, "--glibc", "2.36", "--distro", "debian", "--arch", "x86_64"];
    mkdirSync(join(root, "etc"));
    expect(runHook(words).stdout.toString()).toMatch(/ld\.so\.cache written, 0 entries; .*2\.36 debian x86-64\n$/);
    expect(runHook(words).stdout.toString()).toContain("unchanged, 0 entries");
    expect(runHook([...words, "--format", "wrong"]).status).toBe(1);
  });
});
