import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { program } from "../support/debian-root.ts";
import { executablePath, runHook } from "../support/executable.ts";
import { scratchDirectory } from "../support/scratch.ts";
import { specSamples } from "../support/spec-files.ts";

let top: string;
let specs: string;
let state: string;
beforeEach(() => {
  top = scratchDirectory();
  specs = join(top, "cdi");
  state = join(top, "state");
  mkdirSync(specs);
});

interface Told {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function cdi(...words: string[]): Told {
  const kept = words[0] === "rewrite" || words[0] === "restore" ? ["--state", state] : [];
  const { status, stdout, stderr } = runHook(["cdi", ...words, ...kept]);
  return { status, stdout: stdout.toString("latin1"), stderr };
}

function put(name: string, text: string): string {
  const path = join(specs, name);
  writeFileSync(path, text, "latin1");
  return path;
}

const read = (path: string): string => readFileSync(path, "latin1");

const hook = (path: string): object => ({
  hookName: "createContainer",
  path,
  args: [basename(path), "update-ldcache"],
});

function spec(kind = "vendor.com/gpu", path = "/usr/bin/nvidia-cdi-hook"): string {
  const devices = [{ name: "all", containerEdits: { env: ["A=b"] } }];
  return `${JSON.stringify({ cdiVersion: "0.5.0", kind, devices, containerEdits: { hooks: [hook(path)] } }, undefined, 2)}\n`;
}

const rewrittenSpec = spec()
  .replace("/usr/bin/", "/opt/cdi-hook/bin/")
  .replace('        "args"', '        "env": ["NVIDIA_CTK_DEBUG=false"],\n        "args"');

describe("every spec that is at hand", () => {
  const samples = specSamples();
  beforeEach(() => {
    for (const { name, text } of samples) put(name, text);
  });

  test("is rewritten, and once only; restored, it has its bytes", () => {
    expect(cdi("rewrite", specs).status).toBe(0);
    const after = samples.map(({ name }) => read(join(specs, name)));
    expect(after.filter((text, index) => text !== samples[index]?.text).length).toBeGreaterThan(5);
    const times = samples.map(({ name }) => statSync(join(specs, name)).ino);
    expect(cdi("rewrite", specs).stdout).not.toMatch(/: rewritten/u);
    expect(samples.map(({ name }) => statSync(join(specs, name)).ino)).toEqual(times);
    expect(cdi("rewrite", "--check", specs).status).toBe(0);
    expect(cdi("restore").status).toBe(0);
    expect(samples.map(({ name }) => read(join(specs, name)))).toEqual(samples.map(({ text }) => text));
    expect(readdirSync(state)).toEqual([]);
    expect(readdirSync(specs).sort()).toEqual(samples.map(({ name }) => name).sort());
  });

  test("the diff of --dry-run, patched, is what is written", (context) => {
    const patch = program("patch");
    if (patch === undefined) context.skip("needs patch");
    const flags = ["--chain", "--stage", "createRuntime"];
    const copy = join(top, "copy");
    mkdirSync(copy);
    for (const { name } of samples) copyFileSync(join(specs, name), join(copy, name));
    const { stdout, status } = cdi("rewrite", "--dry-run", ...flags, specs);
    expect(status).toBe(0);
    expect(samples.map(({ name }) => read(join(specs, name)))).toEqual(samples.map(({ text }) => text));
    const patched = spawnSync(patch ?? "", ["--fuzz=0", `-p${specs.split("/").length}`, "--binary"], {
      cwd: copy,
      input: Buffer.from(stdout, "latin1"),
    });
    expect(`${patched.status} ${String(patched.stderr)}`).toBe("0 ");
    cdi("rewrite", ...flags, specs);
    expect(samples.map(({ name }) => read(join(copy, name)))).toEqual(
      samples.map(({ name }) => read(join(specs, name))),
    );
  });
});

describe("rewrite", () => {
  test("keeps mode and owner, and what a link leads to", (context) => {
    const path = put("a.json", spec());
    chmodSync(path, 0o640);
    if (process.getuid?.() === 0) chownSync(path, 1234, 4321);
    const elsewhere = join(top, "elsewhere.json");
    writeFileSync(elsewhere, spec("other.com/gpu"));
    symlinkSync("../elsewhere.json", join(specs, "b.json"));
    expect(cdi("rewrite", specs).status).toBe(0);
    expect(statSync(path).mode & 0o7777).toBe(0o640);
    expect(readlinkSync(join(specs, "b.json"))).toBe("../elsewhere.json");
    expect(read(elsewhere)).toContain("/opt/cdi-hook/bin/nvidia-cdi-hook");
    if (process.getuid?.() !== 0) context.skip("needs root");
    expect([statSync(path).uid, statSync(path).gid]).toEqual([1234, 4321]);
  });

  test("leaves a ConfigMap alone", () => {
    mkdirSync(join(specs, "..2026_11_24"));
    writeFileSync(join(specs, "..2026_11_24/a.json"), spec());
    symlinkSync("..2026_11_24", join(specs, "..data"));
    symlinkSync("..data/a.json", join(specs, "a.json"));
    const { status, stderr } = cdi("rewrite", specs);
    expect(status).toBe(1);
    expect(stderr).toMatch(/a\.json: it is kept up by Kubernetes/u);
    expect(cdi("rewrite", "--output", join(top, "out"), specs).status).toBe(0);
    expect(read(join(top, "out/a.json"))).toBe(rewrittenSpec);
  });

  test("tells an invalid spec with its line, leaves it alone, and goes on", () => {
    const broken = spec().replace('gpu",', 'gpu"');
    put("a.json", broken);
    put("b.yaml", "cdiVersion: 0.5.0\ncontainerEdits:\n  hooks: none\n");
    const good = put("c.json", spec());
    put("d.txt", "no spec");
    const { status, stderr } = cdi("rewrite", specs);
    expect(status).toBe(1);
    expect(stderr.split("\n").slice(0, 2)).toEqual([
      `cdi-hook: error: ${specs}/a.json:4: a comma or } is expected`,
      `cdi-hook: error: ${specs}/b.yaml:3: hooks is not a list`,
    ]);
    expect(read(join(specs, "a.json"))).toBe(broken);
    expect(read(good)).toBe(rewrittenSpec);
  });

  test("with --check says what would change by its exit status, and writes nothing", () => {
    const path = put("a.json", spec());
    expect(cdi("rewrite", "--check", specs)).toMatchObject({
      status: 1,
      stdout: `${path}: would be rewritten: 1 path, 1 environment added\n`,
    });
    expect(read(path)).toBe(spec());
    cdi("rewrite", specs);
    expect(cdi("rewrite", "--check", specs).status).toBe(0);
    expect(cdi("rewrite", "--check", "--hook-dir", "/elsewhere", specs).status).toBe(1);
    rmSync(path);
    expect(cdi("rewrite", "--check", specs).status).toBe(0);
  });

  test("with --match takes some only", () => {
    const nvidia = put("nvidia.json", spec("nvidia.com/gpu"));
    const other = put("other.json", spec("other.com/gpu"));
    cdi("rewrite", "--match", "nvidia.com/*", specs);
    expect([nvidia, other].map((path) => read(path).includes("/opt/cdi-hook"))).toEqual([true, false]);
    cdi("rewrite", "--match", "x.com", "--match", `${specs}/oth*.json`, specs);
    expect(read(other)).toContain("/opt/cdi-hook");
  });

  test("with --output leaves the specs as they are, and writes all of them elsewhere", () => {
    const path = put("a.json", spec());
    put("b.json", rewrittenSpec);
    const out = join(top, "x/y");
    expect(cdi("rewrite", "--output", out, specs).status).toBe(0);
    expect([read(path), read(join(out, "a.json")), read(join(out, "b.json"))]).toEqual([
      spec(),
      rewrittenSpec,
      rewrittenSpec,
    ]);
    mkdirSync(join(top, "second"));
    writeFileSync(join(top, "second/a.json"), spec());
    expect(cdi("rewrite", "--output", out, specs, join(top, "second"))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/another spec is named a\.json/u) as string,
    });
    expect(cdi("rewrite", "--output", specs, specs).status).toBe(1);
  });

  test("tells programs what it did", () => {
    const path = put("a.json", spec());
    put("bad.yaml", "a: [\n");
    expect(JSON.parse(cdi("rewrite", "--json", specs).stdout)).toMatchObject({
      written: true,
      specs: [
        {
          path,
          status: "changed",
          hooks: 1,
          changes: [
            { line: 16, what: "env", from: "", to: "NVIDIA_CTK_DEBUG=false" },
            { line: 18, what: "path", from: "/usr/bin/nvidia-cdi-hook", to: "/opt/cdi-hook/bin/nvidia-cdi-hook" },
          ],
          problems: [],
        },
        { status: "failed", changes: [], problems: [{ severity: "error", line: 2 }] },
      ],
    });
  });

  test("leaves alone what would be too large to be restored", () => {
    const path = put("a.json", spec().padEnd(4 << 20));
    const refused = cdi("rewrite", path);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain("would be larger than");
    expect(read(path)).toBe(spec().padEnd(4 << 20));
  });

  test("of ten thousand hooks on one line takes seconds, not minutes", () => {
    const hooks = Array.from({ length: 10_000 }, () => hook("/usr/bin/nvidia-cdi-hook"));
    const devices = [{ name: "all", containerEdits: { env: ["A=b"] } }];
    const path = put(
      "a.json",
      JSON.stringify({ cdiVersion: "0.5.0", kind: "vendor.com/gpu", devices, containerEdits: { hooks } }),
    );
    const start = performance.now();
    expect(cdi("rewrite", path).stdout).toContain("10000 environments added");
    expect(performance.now() - start).toBeLessThan(30_000);
  });

  test("refuses a folder that no spec can name", () => {
    put("a.json", spec());
    expect(cdi("rewrite", "--hook-dir", "bin", specs)).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/--hook-dir bin: not an absolute path/u) as string,
    });
  });

  test("has the original and the spec on the disk before either gets its name", (context) => {
    const strace = program("strace");
    if (strace === undefined) context.skip("needs strace");
    const path = put("a.json", spec());
    const trace = join(top, "trace");
    const traced = [
      "-o",
      trace,
      "-e",
      "trace=fsync,renameat2",
      executablePath,
      "cdi",
      "rewrite",
      "--state",
      state,
      path,
    ];
    expect(spawnSync(strace ?? "", traced).status).toBe(0);
    const calls = read(trace)
      .split("\n")
      .filter((line) => /^(?:fsync|renameat2)/u.test(line));
    const names = calls.map((line) =>
      line.startsWith("fsync") ? "sync" : line.includes('"a.json"') ? "spec" : "original",
    );
    const order = names.join(" ");
    expect(order).toMatch(/sync original sync .*sync spec sync/u);
  });
});

describe("restore", () => {
  test("leaves alone what was written anew since, and says so", () => {
    const path = put("a.json", spec());
    cdi("rewrite", specs);
    const regenerated = spec("vendor.com/new");
    writeFileSync(path, regenerated);
    expect(cdi("restore")).toMatchObject({
      status: 0,
      stdout: `${path}: left alone: it was written anew since, without our hooks\n`,
    });
    expect(read(path)).toBe(regenerated);
    expect(cdi("restore").stdout).toBe("nothing to restore\n");
  });

  test("leaves alone what was changed since and has our hooks, unless forced", () => {
    const path = put("a.json", spec());
    cdi("rewrite", specs);
    const changed = `${rewrittenSpec}\n`;
    writeFileSync(path, changed);
    const { status, stderr } = cdi("restore");
    expect(status).toBe(1);
    expect(stderr).toMatch(/left alone: it was changed since it was rewritten; --force/u);
    expect(read(path)).toBe(changed);
    expect(cdi("restore", "--force", "--dry-run").stdout).toMatch(/^-.*opt\/cdi-hook/mu);
    expect(cdi("restore", "--force").status).toBe(0);
    expect(read(path)).toBe(spec());
  });

  test("gives the first bytes after several rewrites", () => {
    const path = put("a.json", spec());
    for (const flags of [[], ["--hook-dir", "/elsewhere"], ["--stage", "prestart"]]) cdi("rewrite", ...flags, specs);
    expect(read(path)).toContain("prestart");
    expect(cdi("restore").status).toBe(0);
    expect(read(path)).toBe(spec());
  });

  test("gives the first bytes when a rewrite was cut off before the spec was replaced", () => {
    const path = put("a.json", spec());
    cdi("rewrite", specs);
    const first = read(path);
    cdi("rewrite", "--hook-dir", "/elsewhere", specs);
    writeFileSync(path, first);
    expect(cdi("restore").status).toBe(0);
    expect(read(path)).toBe(spec());
  });

  test("takes paths, through links, and forgets what is gone", () => {
    const [one, other] = [put("a.json", spec()), put("b.json", spec("other.com/gpu"))];
    cdi("rewrite", specs);
    symlinkSync(specs, join(top, "link"));
    expect(cdi("restore", join(top, "link/a.json")).stdout).toBe(`${one}: restored\n`);
    expect(read(other)).toContain("/opt/cdi-hook");
    rmSync(other);
    expect(cdi("restore").stdout).toBe(`${other}: is gone\n`);
    expect(cdi("restore", one).stdout).toBe(`${one}: nothing is kept of it\n`);
  });

  test("tells programs what it did, and refuses what it did not write itself", () => {
    const path = put("a.json", spec());
    cdi("rewrite", specs);
    expect(JSON.parse(cdi("restore", "--json", "--dry-run").stdout)).toEqual({
      written: false,
      specs: [{ path, status: "restored", reason: "" }],
    });
    const [record = ""] = readdirSync(state);
    writeFileSync(join(state, record), read(join(state, record)).slice(0, -1));
    expect(cdi("restore")).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/not written by cdi-hook/u) as string,
    });
    expect(read(path)).toBe(rewrittenSpec);
  });

  test("has nothing where no backup was made", () => {
    put("a.json", spec());
    expect(cdi("rewrite", "--no-backup", specs).status).toBe(0);
    expect(cdi("restore").stdout).toBe("nothing to restore\n");
  });
});

describe("what a directory of specs may also hold", () => {
  test("a file that is too large, or nested too deeply, or full of aliases, a FIFO, links in a circle, a directory", () => {
    put("large.json", `{"a": "${"x".repeat(4 << 20)}"}`);
    put("yaml.yaml", `a: ${"x".repeat(1 << 20)}\n`);
    put("deep.json", `{"a":${"[".repeat(100_000)}`);
    put("deep.yaml", `a: ${"[".repeat(2000)}`);
    const levels = Array.from(
      { length: 40 },
      (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(9)}*a${level}]\n`,
    );
    put(
      "bomb.yaml",
      `cdiVersion: 0.5.0\na0: &a0 {path: /usr/bin/nvidia-cdi-hook}\n${levels.join("")}containerEdits: {hooks: *a1}\n`,
    );
    spawnSync("mkfifo", [join(specs, "fifo.yaml")]);
    symlinkSync("circle.yaml", join(specs, "circle.yaml"));
    symlinkSync(".", join(specs, "folder.yaml"));
    symlinkSync("nowhere", join(specs, "dangling.yaml"));
    mkdirSync(join(specs, "directory.yaml"));
    const good = put("good.json", spec());
    const { status, stderr } = cdi("rewrite", specs);
    expect(status).toBe(1);
    expect(stderr).toMatch(/large\.json: larger than 4194304 bytes/u);
    expect(stderr).toMatch(/yaml\.yaml:1: larger than 1048576 bytes, and not JSON/u);
    expect(stderr).toMatch(/deep\.json:1: nested too deeply/u);
    expect(stderr).toMatch(/deep\.yaml:1: nested too deeply/u);
    expect(stderr).toMatch(/fifo\.yaml: not a regular file/u);
    expect(stderr).toMatch(/circle\.yaml: too many levels/u);
    expect(stderr).toMatch(/folder\.yaml: not a regular file/u);
    expect(stderr).toMatch(/warning: .*dangling\.yaml: no such file/u);
    expect(stderr).not.toMatch(/directory\.yaml|internal error/u);
    expect(read(good)).toBe(rewrittenSpec);
    expect(read(join(specs, "bomb.yaml"))).toContain(
      "a0: &a0 {path: /opt/cdi-hook/bin/nvidia-cdi-hook, env: [NVIDIA_CTK_DEBUG=false]}",
    );
    expect(lstatSync(join(specs, "circle.yaml")).isSymbolicLink()).toBe(true);
  });

  test("nothing: directories that do not exist", () => {
    rmSync(specs, { recursive: true });
    expect(cdi("rewrite", specs)).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/warning: .*no such directory/u) as string,
    });
    expect(cdi("rewrite", join(specs, "a.json"))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/a\.json: no such file/u) as string,
    });
  });
});

describe("list", () => {
  test("tells who runs a hook", () => {
    const bin = join(top, "bin");
    mkdirSync(bin);
    copyFileSync(executablePath, join(bin, "nvidia-cdi-hook"));
    writeFileSync(join(bin, "nvidia-ctk"), "#!/bin/sh\n", { mode: 0o755 });
    const hooks = ["nvidia-cdi-hook", "nvidia-ctk", "missing/nvidia-cdi-hook"].map((name) => ({
      hookName: "createContainer",
      path: join(bin, name),
      args: [basename(name), "hook", "chmod"],
    }));
    const path = put(
      "a.json",
      JSON.stringify({
        cdiVersion: "0.5.0",
        kind: "a.b/gpu",
        devices: [
          { name: "0", containerEdits: { hooks } },
          { name: "all", containerEdits: { env: ["A=b"] } },
        ],
      }),
    );
    put("b.json", spec("a.b/gpu"));
    const { specs: told } = JSON.parse(cdi("list", "--json", specs).stdout) as {
      specs: { hooks: { servedBy: string }[] }[];
    };
    expect(told[0]).toMatchObject({
      path,
      kind: "a.b/gpu",
      devices: [
        { name: "0", status: "usable" },
        { name: "all", status: "conflict" },
      ],
    });
    expect(told[0]?.hooks.map(({ servedBy }) => servedBy)).toEqual(["cdi-hook", "nvidia", "missing"]);
    const { stdout, status } = cdi("list", specs);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^a\.b\/gpu=0 +0 +0 +3 +usable +/mu);
    expect(stdout).toMatch(/^chmod +createContainer +no +missing +/mu);
  });

  test("has nothing to tell of nothing", () => {
    expect(cdi("list", specs)).toMatchObject({ status: 0, stdout: "no CDI devices found\n" });
    expect(cdi("validate", specs)).toMatchObject({ status: 0, stdout: "no CDI specs found\n" });
  });
});
