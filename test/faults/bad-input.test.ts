/** Input that is wrong: one line, exit status 1, and nothing is written, neither in the root nor elsewhere. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { executablePath, runHook, stateFor } from "../support/executable.ts";
import { compareListings, listTree, type Listing } from "../support/tree-listing.ts";
import { createSymlinks, differences, factsOf, makeSmallRoot, updateLdcache } from "./small-root.ts";

const hooks = [createSymlinks, updateLdcache];
/** Where a hook that took the host's root for a container's would write. */
const canary = "/cdi-hook-canary";

let directory = "";
let root = "";
let before: Listing = new Map();

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "cdi-hook-faults-"));
  root = join(directory, "root");
  mkdirSync(join(directory, "bundle/rootfs"), { recursive: true });
  makeSmallRoot(root);
  writeFileSync(join(directory, "file"), "a file");
  symlinkSync("nowhere", join(directory, "dangling"));
  symlinkSync("loop", join(directory, "loop"));
  symlinkSync("/", join(directory, "host"));
  execFileSync("mkfifo", [join(directory, "fifo")]);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

beforeEach(() => {
  before = listTree(directory, { identity: true });
});

/** One run that has to be refused; `line` is what its one line on stderr has to match. */
function expectRefused(args: readonly string[], stdin: string | Uint8Array | undefined, line: RegExp): void {
  const result = runHook(args, { stdin, cwd: directory, timeout: 20_000 });
  expect([result.status, result.signal], result.stderr).toEqual([1, null]);
  expect(result.stderr).toMatch(/^cdi-hook: error: [a-z-]+: [^\n]{5,6100}\n$/);
  expect(result.stderr).toMatch(line);
  expect(result.stderr).not.toMatch(/internal error|undefined|\[object/);
  expect(result.stdout.toString()).toBe("");
  expect(compareListings(before, listTree(directory, { identity: true }))).toEqual([]);
  expect(existsSync(canary)).toBe(false);
  expect(result.ms).toBeLessThan(5000);
}

/** Texts with one hash in QuickJS, which is a polynomial in 263 modulo 2^32: of two words that are alike. */
function alikeNames(count: number): string[] {
  const words = ["zrwgde", "lfarek"] as const;
  const [first, second] = words.map((word) =>
    Buffer.from(word).reduce((sum, byte) => (Math.imul(sum, 263) + byte) | 0, 0),
  );
  expect(first).toBe(second);
  const digits = Math.ceil(Math.log2(count));
  return Array.from({ length: count }, (_, at) => {
    let name = "";
    for (let digit = 0; digit < digits; digit += 1) name += words[(at >> digit) & 1] ?? "";
    return name;
  });
}

/** Words of a hook that would write to the canary. */
const words = (name: string): string[] =>
  name === "create-symlinks" ? [name, `--link=x::${canary}`] : [name, "--folder=/usr/lib", `--folder=${canary}`];

describe.each(hooks.map(({ name }) => [name] as const))("%s: the state", (name) => {
  const cases: readonly (readonly [title: string, state: string | Uint8Array, line: RegExp])[] = [
    ["empty", "", /read stdin: empty/],
    ["white space", " \n\t\r\n", /not complete|empty/],
    ["cut short", '{"root": "/tmp', /not complete/],
    ["cut behind a backslash", '{"root": "\\', /not complete/],
    ["an array", "[1]", /not a JSON object/],
    ["a string", '"/tmp"', /not a JSON object/],
    ["a number", "12", /not a JSON object/],
    ["null", "null", /not a JSON object/],
    ["no JSON", "root=/tmp\n", /not a JSON object/],
    ["a byte order mark", `\ufeff${stateFor("/tmp")}`, /not a JSON object/],
    ["UTF-16", Buffer.from(stateFor("/tmp"), "utf16le"), /JSON|not complete/],
    ["single quotes", "{'root': '/tmp'}", /not JSON/],
    ["a comma too many", '{"root": "/tmp",}', /not JSON/],
    ["a comment", '{/* root */"root": "/tmp"}', /not JSON/],
    ["a name without quotes", '{root: "/tmp"}', /not JSON/],
    ["a control byte in a string", '{"root": "/t\nmp"}', /not JSON/],
    ["half an escape", '{"root": "\\u12"}', /not JSON/],
    ["NUL bytes", new Uint8Array(100), /not a JSON object/],
    ["random bytes", Uint8Array.from({ length: 200 }, (_, index) => (index * 97 + 13) & 0xff), /not a JSON object/],
    ["root a number", '{"root": 12}', /root is not a string/],
    ["root an object", '{"root": {"path": "/tmp"}}', /root is not a string/],
    ["root an array", '{"root": ["/tmp"]}', /root is not a string/],
    ["root a boolean", '{"root": true}', /root is not a string/],
    ["bundle a number", '{"bundle": 1}', /bundle is not a string/],
    ["nothing in it", "{}", /neither a bundle nor an absolute root/],
    ["root null, and no bundle", '{"root": null}', /neither a bundle nor an absolute root/],
    ["a member called __proto__", '{"__proto__": {"root": "/tmp"}}', /neither a bundle/],
    ["braces nested 100,000 deep", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, /nested too deeply/],
    [
      "brackets nested 100,000 deep",
      `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      /not JSON|nested too deeply/,
    ],
    ["brackets that never close", `{"a":${"[".repeat(1_000_000)}}`, /not JSON|nested too deeply/],
    ["4 MiB and more", `{"a": "${"x".repeat(5 << 20)}", "root": "/tmp"}`, /larger than \d+ bytes/],
    ["white space without end", " ".repeat(5 << 20), /larger than \d+ bytes/],
    [
      "a hundred thousand members",
      `{${Array.from({ length: 100_000 }, (_, index) => `"m${index}":${index}`).join()}}`,
      /more than 4096 different names/,
    ],
    [
      "a hundred thousand members of as many objects",
      `{"all":[${Array.from({ length: 100_000 }, (_, index) => `{"m${index % 4000}":${index}}`).join()}]}`,
      /neither a bundle/,
    ],
    ["root with NUL", '{"root": "/tmp\\u0000/x"}', /NUL/],
    ["root with a character of three bytes that is not there", '{"root": "/\u20ac"}', /no such file/],
    ["a relative bundle", '{"bundle": "bundle"}', /not an absolute path/],
    ["a relative root without a bundle", '{"root": "rootfs"}', /neither a bundle nor an absolute root/],
    ["a relative root in a relative bundle", '{"root": "rootfs", "bundle": "bundle"}', /not an absolute path/],
  ];

  test.for(cases)("%s", ([, state, line]) => {
    expectRefused(words(name), state, line);
  });

  test("none: stdin is /dev/null", () => {
    expectRefused(words(name), undefined, /read stdin: empty/);
  });
});

describe.each(hooks.map(({ name }) => [name] as const))("%s: the root", (name) => {
  test.for(["/", "//", "/.", "/..", "/../", "/../..", "/tmp/..", "///./../", "/usr/../usr/.."])(
    "is the host's: %s",
    (path) => {
      expectRefused(words(name), JSON.stringify({ root: path, bundle: "/tmp" }), /it is the host's own/);
    },
  );

  const paths: readonly (readonly [title: string, path: string, line: RegExp])[] = [
    ["empty", "", /path is empty/],
    ["missing", "DIR/none", /no such file/],
    ["a file", "DIR/file", /not a directory/],
    ["a file with a slash", "DIR/file/", /not a directory/],
    ["below a file", "DIR/file/root", /not a directory/],
    ["a FIFO", "DIR/fifo", /not a directory/],
    ["a device", "/dev/null", /not a directory/],
    ["a link to nowhere", "DIR/dangling", /no such file/],
    ["a link to itself", "DIR/loop", /ELOOP/],
    ["a link to the host's root", "DIR/host", /host's own/],
    ["the host's root through /proc", "/proc/self/root", /host's own/],
    ["the host's root by the relative way", "../../../../../../../..", /it is the host's own/],
    ["too long a name", `/${"n".repeat(300)}`, /ENAMETOOLONG/],
    ["too long a path", `/${"n/".repeat(2100)}`, /ENAMETOOLONG/],
  ];
  test.for(paths)("%s", ([, path, line]) => {
    const state = JSON.stringify({ root: path.replace("DIR", directory), bundle: directory });
    expectRefused(words(name), state, line);
  });
});

describe("the bundle", () => {
  const bundle = (): string => join(directory, "bundle");
  const configPath = (): string => join(bundle(), "config.json");
  const state = (): string => JSON.stringify({ bundle: bundle(), id: "x" });

  const configs: readonly (readonly [title: string, config: string | Uint8Array, line: RegExp])[] = [
    ["empty", "", /not JSON/],
    ["cut short", '{"root": {"path": "ro', /not JSON/],
    ["an array", "[]", /not a JSON object/],
    ["no root", "{}", /it has no root/],
    ["root a string", '{"root": "rootfs"}', /it has no root/],
    ["root null", '{"root": null}', /it has no root/],
    ["root an array", '{"root": ["rootfs"]}', /it has no root/],
    ["no path", '{"root": {"readonly": true}}', /root.path is not a string/],
    ["path a number", '{"root": {"path": 5}}', /root.path is not a string/],
    ["path empty", '{"root": {"path": ""}}', /path is empty/],
    ["path the host's", '{"root": {"path": "/"}}', /it is the host's own/],
    ["path a way to the host's", '{"root": {"path": "../../../../../.."}}', /it is the host's own/],
    ["path missing", '{"root": {"path": "none"}}', /no such file/],
    ["a byte order mark", '\ufeff{"root": {"path": "rootfs"}}', /not JSON/],
    ["trailing data", '{"root": {"path": "rootfs"}} x', /not JSON/],
    [
      "nested 100,000 deep",
      `{"root": {"path": "rootfs"}, "a": ${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
      /not JSON|deep/,
    ],
    ["NUL bytes", new Uint8Array(1000), /not JSON/],
    [
      "names that are one to the engine's hash",
      `{"root": {"path": "rootfs"}, "annotations": ${JSON.stringify(Object.fromEntries(alikeNames(60_000).map((name) => [name, ""])))}}`,
      /more than 4096 different names/,
    ],
  ];

  test.for(configs)("config.json: %s", ([, config, line]) => {
    writeFileSync(configPath(), config);
    before = listTree(directory, { identity: true });
    expectRefused(words("create-symlinks"), state(), line);
  });

  test("config.json of 1 GiB", () => {
    writeFileSync(configPath(), "{");
    truncateSync(configPath(), 1 << 30);
    try {
      const result = runHook(words("create-symlinks"), { stdin: state() });
      expect(result.status).toBe(1);
      expect(result.stderr).toMatch(/^cdi-hook: error: create-symlinks: read [^\n]+: larger than \d+ bytes\n$/);
      expect(result.ms).toBeLessThan(2000);
    } finally {
      rmSync(configPath());
    }
  });

  test("config.json is missing, a directory, or leads nowhere", () => {
    rmSync(configPath(), { force: true });
    before = listTree(directory, { identity: true });
    expectRefused(words("create-symlinks"), state(), /config\.json: no such file/);
    mkdirSync(configPath());
    before = listTree(directory, { identity: true });
    expectRefused(words("create-symlinks"), state(), /config\.json: is a directory/);
    rmSync(configPath(), { recursive: true });
    symlinkSync("config.json", configPath());
    before = listTree(directory, { identity: true });
    expectRefused(words("create-symlinks"), state(), /config\.json: [^\n]*ELOOP/);
    rmSync(configPath());
  });

  test("config.json may not be read", (ctx) => {
    if (process.getuid?.() !== 0) return ctx.skip("needs root to drop capabilities");
    writeFileSync(configPath(), '{"root": {"path": "rootfs"}}', { mode: 0o000 });
    const command = ["--reuid=65534", "--regid=65534", "--clear-groups", executablePath, ...words("create-symlinks")];
    const done = spawnSync("setpriv", command, { input: state(), encoding: "utf8", env: {} });
    rmSync(configPath());
    expect(done.status, done.stderr).toBe(1);
    expect(done.stderr).toMatch(/^cdi-hook: error: create-symlinks: open [^\n]+: permission denied \(EACCES\)\n$/);
  });

  test.for([
    ["missing", "DIR/none", /no such file/],
    ["a file", "DIR/file", /not a directory/],
    ["empty", "", /neither a bundle/],
    ["relative", "bundle", /not an absolute path/],
    ["with NUL", "/tmp\0x", /NUL/],
  ] as const)("%s", ([, path, line]) => {
    expectRefused(words("create-symlinks"), JSON.stringify({ bundle: path.replace("DIR", directory) }), line);
  });
});

describe("arguments", () => {
  test.for([
    "",
    "a",
    "a:b",
    "a:b::",
    "::",
    "::/b",
    "a::",
    "a::b::c",
    "a::/",
    "a::.",
    "a::..",
    "a::/x/..",
    "a::////",
    ":::::",
    "a::/b,c::/d::/e",
  ])("a malformed --link, behind good ones: %s", (link) => {
    const args = ["create-symlinks", "--link=x::/good", `--link=${link}`, "--link=y::/good2"];
    expectRefused(args, stateFor(root), /parse --link/);
  });

  test("a comma in a link's name is a comma", () => {
    const result = runHook(["create-symlinks", "--link=a::/b,c"], { stdin: stateFor(root) });
    expect([result.status, result.stderr]).toEqual([0, ""]);
    rmSync(join(root, "b,c"));
  });

  test("a flag without its value", () => {
    expectRefused(["create-symlinks", "--link"], stateFor(root), /--link needs a value/);
    expectRefused(["update-ldcache", "--folder"], stateFor(root), /--folder needs a value/);
  });

  test("a link in a directory that cannot be", () => {
    expectRefused(["create-symlinks", "--link=x::/etc/debian_version/x"], stateFor(root), /not a directory/);
    expectRefused(["create-symlinks", "--link=x::/etc"], stateFor(root), /is a directory/);
    expectRefused(["create-symlinks", "--link=x::/proc/x"], stateFor(root), /permission denied|refused/);
    expectRefused(["create-symlinks", `--link=x::/${"n".repeat(256)}`], stateFor(root), /ENAMETOOLONG/);
    expectRefused(["create-symlinks", `--link=${"t".repeat(4096)}::/x`], stateFor(root), /ENAMETOOLONG/);
    expectRefused(["create-symlinks", `--link=x::/${"d/".repeat(2100)}x`], stateFor(root), /ENAMETOOLONG/);
  });

  test.for([
    ["a directory", "DIR", /is a directory/],
    ["missing", "DIR/none", /no such file/],
    ["below a file", "DIR/file/x", /not a directory/],
    ["no JSON", "DIR/file", /not a JSON object/],
    ["/dev/null", "/dev/null", /empty/],
    ["/dev/zero", "/dev/zero", /not a JSON object/],
    ["a link to itself", "DIR/loop", /ELOOP/],
  ] as const)("--container-spec: %s", ([, path, line]) => {
    const spec = path.replace("DIR", directory);
    expectRefused([...words("create-symlinks"), "--container-spec", spec], stateFor(root), line);
  });
});

describe("input that is right after all", () => {
  const settled = (): void => makeSmallRoot(root);

  test.for([
    ["data behind the object", ' {"root": 5} garbage \u0000'],
    ["a newline behind the object", "\n"],
    ["white space before the object", ""],
  ] as const)("%s", ([title, tail]) => {
    settled();
    const head = title.startsWith("white") ? " \r\n\t " : "";
    const result = runHook(createSymlinks.argumentsFor(root), { stdin: head + stateFor(root) + tail });
    expect([result.status, result.stderr]).toEqual([0, ""]);
    expect(differences(factsOf(root), before as never).length).toBeGreaterThan(0);
  });

  test("a state on a pipe that stays open is not waited for", async () => {
    settled();
    const child = spawn(executablePath, createSymlinks.argumentsFor(root), {
      env: {},
      stdio: ["pipe", "ignore", "pipe"],
    });
    const started = Date.now();
    const ended = new Promise<number | null>((resolve) => child.on("exit", resolve));
    const text = stateFor(root);
    child.stdin?.write(text.slice(0, 20));
    setTimeout(() => child.stdin?.write(text.slice(20)), 50);
    expect(await ended).toBe(0);
    expect(Date.now() - started).toBeLessThan(5000);
    child.stdin?.destroy();
  });

  test("a state in a FIFO", () => {
    settled();
    const script = 'cat >"$2" & exec "$1" "${@:3}" --container-spec "$2" </dev/null';
    const args = [
      "--norc",
      "-c",
      script,
      "bash",
      executablePath,
      join(directory, "fifo"),
      ...createSymlinks.argumentsFor(root),
    ];
    // bash gives a job in the background /dev/null as its input unless it is told otherwise.
    args[2] = script.replace('cat >"$2" &', 'exec 3<&0; cat <&3 >"$2" &');
    const done = spawnSync("bash", args, { input: stateFor(root), encoding: "utf8", timeout: 20_000 });
    expect([done.status, done.stderr]).toEqual([0, ""]);
  });

  test("a root that is a link to a directory", () => {
    settled();
    const link = join(directory, "link-to-root");
    symlinkSync("root", link);
    const result = runHook(createSymlinks.argumentsFor(root), { stdin: stateFor(link) });
    rmSync(link);
    expect([result.status, result.stderr]).toEqual([0, ""]);
  });

  test("a relative root, from the bundle, whatever the working directory is", () => {
    settled();
    const state = JSON.stringify({ root: "root", bundle: directory });
    const result = runHook(createSymlinks.argumentsFor(root), { stdin: state, cwd: "/" });
    expect([result.status, result.stderr]).toEqual([0, ""]);
  });

  test.for([
    ["no hook", [], /no hook given/],
    ["a hook of a later time", ["mount-everything", "--now", "--link", "x::/y"], /not a hook that is known/],
    [
      "an unknown flag",
      ["create-symlinks", "--frobnicate=1", "--link=libnew.so.1::/usr/lib/x86_64-linux-gnu/libplain.so"],
      /unknown flag --frobnicate/,
    ],
    [
      "a flag of former times",
      ["create-symlinks", "--host-root", "/", "--link=libnew.so.1::/usr/lib/x86_64-linux-gnu/libplain.so"],
      /without a meaning today/,
    ],
  ] as const)("%s: a warning", ([, args, line]) => {
    settled();
    const result = runHook(args, { stdin: stateFor(root) });
    expect(result.status).toBe(0);
    expect(result.stderr).toMatch(/^cdi-hook: warning: [^\n]+\n$/);
    expect(result.stderr).toMatch(line);
  });
});
