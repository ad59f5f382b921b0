/** Links of an image that would lead `create-symlinks` out of the root, or into something that is no directory. */
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { stateFor } from "../support/executable.ts";
import { HostileRoot } from "../support/hostile-root.ts";

/** The text of a link, made from the root and what is outside of it. */
type Target = (root: HostileRoot) => string;

describe("CVE-2024-0134, CVE-2026-24260: the folder of the link is a link out of the root", () => {
  const ways: readonly [string, Target][] = [
    ["absolute", (root) => root.outside],
    ["relative, with more .. than there are directories", (root) => root.climbing(root.outside)],
    ["absolute, with .. in it", (root) => `/tmp/../..${root.outside}/etc/..`],
    ["relative to the bundle", () => "../../../outside"],
    ["to /, with the rest behind it", () => "/"],
    ["to .. of the top", () => ".."],
    ["to a link", () => "/tmp/second"],
    ["with slashes and dots", (root) => `//./${root.outside}/././/`],
  ];
  test.each(ways)("%s", (_, target) => {
    const root = new HostileRoot();
    root.folder("opt").link("tmp/second", root.outside).link("opt/way", target(root));
    const result = root.createSymlinks(["evil::/opt/way/evil", `evil::/opt/way${root.outside}/evil`]);
    expect(result.status, result.stderr).toBe(0);
    root.expectNoLitter();
    expect(readdirSync(root.outside)).not.toContain("evil");
  });

  test("the link is made where a program in the container would see it", () => {
    const root = new HostileRoot();
    root.link("opt", root.outside);
    expect(root.createSymlinks(["evil::/opt/evil"]).status).toBe(0);
    expect(root.linkAt(`${root.outside}/evil`)).toBe("evil");
  });

  test.each(["a", "a/b", "a/b/c"])("any folder on the way: %s", (parent) => {
    const root = new HostileRoot();
    root.folder("a/b/c").replaceByLink(parent, root.climbing(root.outside));
    const result = root.createSymlinks(["evil::/a/b/c/evil"]);
    expect(result.status, result.stderr).toBe(0);
    const rest = "/a/b/c".slice(parent.length + 1);
    expect(root.linkAt(`${root.outside}${rest}/evil`)).toBe("evil");
  });

  test("the link that an earlier argument made", () => {
    const root = new HostileRoot();
    const result = root.createSymlinks([`${root.outside}::/opt/way`, "evil::/opt/way/evil", "evil::/opt/way/etc/evil"]);
    expect(result.status, result.stderr).toBe(0);
    expect(root.linkAt(`${root.outside}/etc/evil`)).toBe("evil");
  });

  test("the root of the image is full of links to /", () => {
    const root = new HostileRoot();
    for (const name of ["usr", "lib", "etc"]) root.replaceByLink(name, "/");
    const result = root.createSymlinks([`evil::/usr/lib/etc${root.outside}/etc/evil`]);
    expect(result.status, result.stderr).toBe(0);
    expect(root.linkAt(`${root.outside}/etc/evil`)).toBe("evil");
  });
});

describe("CVE-2026-24260: the place of the link is taken", () => {
  const places: readonly [string, (root: HostileRoot) => string][] = [
    ["a link to a file of the host", (root) => join(root.outside, "secret")],
    ["a link to a folder of the host", (root) => join(root.outside, "empty")],
    ["a relative link out of the root", (root) => root.climbing(join(root.outside, "secret"))],
    ["a link to a missing file of the host", (root) => join(root.outside, "evil")],
    ["a link to itself", () => "libcuda.so"],
    ["a link to /", () => "/"],
  ];
  test.each(places)("by %s: that link is replaced, nothing is made behind it", (_, target) => {
    const root = new HostileRoot();
    root.link("usr/lib/libcuda.so", target(root));
    expect(root.createSymlinks(["libcuda.so.1::/usr/lib/libcuda.so"]).status).toBe(0);
    expect(root.linkAt("usr/lib/libcuda.so")).toBe("libcuda.so.1");
    root.expectNoLitter();
  });

  test.each(["fifo", "socket", "character", "block"] as const)("by a %s: replaced, not opened", (type) => {
    const root = new HostileRoot();
    root.special("usr/lib/libcuda.so", type);
    expect(root.createSymlinks(["libcuda.so.1::/usr/lib/libcuda.so"]).status).toBe(0);
    expect(root.linkAt("usr/lib/libcuda.so")).toBe("libcuda.so.1");
  });

  test("by a hard link to a file of the host: the name is replaced, the file stays", () => {
    const root = new HostileRoot();
    linkSync(join(root.outside, "secret"), root.at("usr/lib/libcuda.so"));
    expect(root.createSymlinks(["libcuda.so.1::/usr/lib/libcuda.so"]).status).toBe(0);
    expect(root.linkAt("usr/lib/libcuda.so")).toBe("libcuda.so.1");
  });

  test("by a folder: an error, and the folder stays", () => {
    const root = new HostileRoot();
    root.folder("usr/lib/libcuda.so/keep");
    const result = root.createSymlinks(["a::/usr/lib/libcuda.so", "a::/usr/lib/other"]);
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringMatching(/\/usr\/lib\/libcuda\.so: is a directory \(EISDIR\)$/)]);
    expect(root.names("usr/lib/libcuda.so")).toEqual(["keep"]);
    expect(root.linkAt("usr/lib/other")).toBe("a");
  });

  test("by a mount point (a file of the host, bound there): an error, and nothing is left beside", () => {
    const root = new HostileRoot();
    root.file("usr/lib/libcuda.so");
    const mounts = `mount --bind "$OUTSIDE/secret" "$ROOT/usr/lib/libcuda.so"`;
    const result = root.createSymlinks(["libcuda.so.1::/usr/lib/libcuda.so"], { mounts });
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringContaining("(EBUSY)")]);
    root.expectNoLitter();
  });
});

describe("links that lead through a process' own directories", () => {
  const magic = [
    "/proc/self/root",
    "/proc/self/cwd",
    "/proc/thread-self/root",
    "/proc/1/root",
    "/proc/self/fd/7",
    "/proc/self/task/../root",
    "../../../../proc/self/cwd",
  ];
  const leak = `exec 7<"$OUTSIDE"; cd "$OUTSIDE"`;

  test.each(magic)("%s, with a real /proc in the root", (target) => {
    const root = new HostileRoot();
    root.folder("opt").link("opt/way", target);
    const mounts = `mount --bind /proc "$ROOT/proc"; ${leak}`;
    const result = root.createSymlinks(["evil::/opt/way/evil", `evil::/opt/way${root.outside}/evil`], { mounts });
    expect(result.status).toBe(1);
    expect(result.errors).toHaveLength(2);
    for (const error of result.errors) expect(error).toContain("(EACCES)");
  });

  test.each(magic)("%s, with a real /proc at an odd place of the root", (target) => {
    const root = new HostileRoot();
    root
      .folder("opt")
      .folder("mnt/p")
      .link("opt/way", `/mnt/p/${target.replace(/^[./]*proc\//, "")}`);
    const mounts = `mount --bind /proc "$ROOT/mnt/p"; ${leak}`;
    const links = ["evil::/opt/way/evil", `evil::/opt/way${root.outside}/evil`, "evil::/opt/way/etc/evil"];
    const result = root.createSymlinks(links, { mounts });
    // As text, the links lead to `/` or to a path of the host, both inside of the root; not every kernel lets them be read.
    for (const error of result.errors) expect(error).toContain("(EACCES)");
    root.expectNoLitter();
  });

  test("the root's own name in the host's /proc", () => {
    const root = new HostileRoot();
    root.folder("mnt/p").link("opt", "/mnt/p/self/fd/7/../outside");
    const mounts = `mount --bind /proc "$ROOT/mnt/p"; exec 7<"$ROOT"`;
    expect(root.createSymlinks(["evil::/opt/evil"], { mounts }).status).toBe(0);
  });
});

describe("links without an end", () => {
  test("loops: of one, of two, and one that grows", () => {
    const root = new HostileRoot();
    root.link("self", "self").link("ping", "pong").link("pong", "/ping").link("grow", "grow/grow");
    const result = root.createSymlinks(["evil::/self/evil", "evil::/ping/evil", "evil::/grow/evil", "good::/tmp/good"]);
    expect(result.status).toBe(1);
    expect(result.errors).toHaveLength(3);
    for (const error of result.errors) expect(error).toContain("too many levels of symbolic links (ELOOP)");
    expect(root.linkAt("tmp/good")).toBe("good");
  });

  test("a chain of 40 links is followed, one of 41 is not", () => {
    const root = new HostileRoot();
    for (let at = 0; at < 41; at++) root.link(`l${at}`, at === 0 ? "tmp" : `l${at - 1}`);
    expect(root.createSymlinks(["good::/l39/good"]).status).toBe(0);
    expect(root.linkAt("tmp/good")).toBe("good");
    const result = root.createSymlinks(["evil::/l40/evil"]);
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringContaining("(ELOOP)")]);
  });

  test("40 links of four kilobytes each, again and again", () => {
    const root = new HostileRoot();
    for (let at = 0; at < 39; at++) root.link(`w${at}`, `${"tmp/../".repeat(580)}w${at + 1}`);
    root.link("w39", "/tmp");
    const result = root.createSymlinks(Array.from({ length: 400 }, (_, at) => `x::/w0/p${at}/x`));
    expect(result.status).toBe(1);
    expect(result.errors.length).toBeLessThan(20);
  });
});

describe("arguments", () => {
  test(".. in the link's own path stops at the root", () => {
    const root = new HostileRoot();
    const result = root.createSymlinks([
      "evil::/../../../outside/evil",
      "evil::../../outside/empty/evil",
      `evil::usr/../../../..${root.outside}/etc/evil`,
    ]);
    expect(result.status, result.stderr).toBe(0);
    expect(root.linkAt("outside/evil")).toBe("evil");
    expect(root.linkAt(`${root.outside}/etc/evil`)).toBe("evil");
  });

  test("a target is text, however it looks", () => {
    const root = new HostileRoot();
    const targets = [
      root.outside,
      root.climbing(root.outside),
      "/proc/self/root",
      "-",
      "a\nb",
      "\u00ff",
      "%s%n",
      "$(id)",
    ];
    const result = root.createSymlinks(targets.map((target, at) => `${target}::/tmp/l${at}`));
    expect(result.status, result.stderr).toBe(0);
    expect(targets.map((_, at) => root.linkAt(`tmp/l${at}`))).toEqual(targets);
  });

  test("names with newlines, control characters and spaces are made as they are", () => {
    const root = new HostileRoot();
    const names = ["new\nline", "\u001b[31mred", "tab\t", " ", "-rf", "é", "n".repeat(255)];
    const result = root.createSymlinks(names.map((name) => `t::/tmp/${name}`));
    expect(result.status, result.stderr).toBe(0);
    expect(root.names("tmp").map((name) => Buffer.from(name, "latin1").toString())).toEqual(names.sort());
  });

  test("names that a terminal would obey are escaped in the message", () => {
    const root = new HostileRoot();
    root.folder("tmp/\u001b]0;owned\u0007\n\u009bcdi-hook: error: forged");
    const result = root.createSymlinks(["t::/tmp/\u001b]0;owned\u0007\n\u009bcdi-hook: error: forged"]);
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringContaining(String.raw`\x1b]0;owned\x07\n`)]);
    expect(result.stderr.split("\n")).toHaveLength(2);
  });

  test("names and paths that are too long are errors", () => {
    const root = new HostileRoot();
    const long = ["n".repeat(256), "n".repeat(5000), "d/".repeat(2500)];
    const result = root.createSymlinks([...long.map((name) => `t::/tmp/${name}x`), `${"t".repeat(5000)}::/tmp/x`]);
    expect(result.status).toBe(1);
    expect(result.errors).toHaveLength(4);
    for (const error of result.errors) expect(error).toContain("(ENAMETOOLONG)");
    expect(root.names("tmp").filter((name) => name !== "d")).toEqual([]);
  });

  test("a thousand folders deep: refused, not gone astray", () => {
    const root = new HostileRoot();
    root.folder("d/".repeat(1000));
    const result = root.createSymlinks([`x::/${"d/".repeat(1000)}x`, `x::/${"d/".repeat(200)}x`]);
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringContaining("(ENAMETOOLONG)")]);
    expect(root.linkAt(`${"d/".repeat(200)}x`)).toBe("x");
  });
});

describe("temporary names", () => {
  test("links of the names of temporary files: never followed, and those of ours removed", () => {
    const root = new HostileRoot();
    root.file("tmp/l", "to be replaced");
    const pids = [1, 2, process.pid, 4_000_000, 99_999];
    for (const pid of pids) root.link(`tmp/.cdi-hook-${pid}-0123456789abcdef`, join(root.outside, "secret"));
    for (const name of ["l~", "l.tmp", ".l.swp", ".cdi-hook", ".cdi-hook-"]) root.link(`tmp/${name}`, root.outside);
    expect(root.createSymlinks(["new::/tmp/l"]).status).toBe(0);
    expect(root.linkAt("tmp/l")).toBe("new");
    for (const name of ["l~", "l.tmp", ".l.swp", ".cdi-hook", ".cdi-hook-"]) {
      expect(root.linkAt(`tmp/${name}`)).toBe(root.outside);
    }
  });

  test("ten thousand of them do not hold us", () => {
    const root = new HostileRoot();
    for (let at = 0; at < 10_000; at++) root.link(`tmp/.cdi-hook-1-${String(at).padStart(16, "0")}`, "x");
    for (let at = 0; at < 100; at++) root.link(`tmp/l${at}`, "old");
    const result = root.createSymlinks(Array.from({ length: 100 }, (_, at) => `new::/tmp/l${at}`));
    expect(result.status).toBe(0);
    expect(result.ms).toBeLessThan(5000);
  });
});

describe("what cannot be changed", () => {
  test("a read-only mount in the root", () => {
    const root = new HostileRoot();
    root.folder("usr/ro");
    const mounts = `mount --bind "$OUTSIDE" "$ROOT/usr/ro"; mount -o remount,ro,bind "$ROOT/usr/ro"`;
    const result = root.createSymlinks(["x::/usr/ro/x"], { mounts, flags: ["--on-read-only=fail"] });
    expect(result.status).toBe(1);
    expect(result.errors).toEqual([expect.stringContaining("/usr/ro/x: read-only file system (EROFS)")]);
  });

  test("a link that is right already needs no writing", () => {
    const root = new HostileRoot();
    root.link("usr/l", "x");
    const mounts = `mount --bind "$ROOT" "$ROOT"; mount -o remount,ro,bind "$ROOT"`;
    expect(root.createSymlinks(["x::/usr/l"], { mounts }).status).toBe(0);
  });
});

describe("where the root is", () => {
  test("a root that is a link of the host is the folder that it leads to", () => {
    const root = new HostileRoot();
    symlinkSync("rootfs", join(root.bundle, "link"));
    const stdin = stateFor(join(root.bundle, "link"));
    expect(root.createSymlinks(["x::/tmp/x"], { stdin }).status).toBe(0);
    expect(readlinkSync(root.at("tmp/x"))).toBe("x");
  });

  test("a root relative to the bundle, and one from config.json", () => {
    const root = new HostileRoot();
    const relative = stateFor(root.path, { root: "rootfs" });
    const absent = stateFor(root.path, { root: undefined });
    expect(root.createSymlinks(["x::/tmp/x"], { stdin: relative }).status).toBe(0);
    expect(root.createSymlinks(["y::/tmp/y"], { stdin: absent }).status).toBe(0);
    expect(root.names("tmp")).toEqual(["x", "y"]);
  });

  test.each(["/", "//", "/.", "/..", "/tmp/..", "/proc/self/root", ""])(
    "the host's own root, as %j, is refused",
    (path) => {
      const root = new HostileRoot();
      const result = root.createSymlinks([`evil::${root.outside}/evil`], {
        stdin: stateFor(root.path, { root: path }),
      });
      expect(result.status).toBe(1);
      expect(result.errors).toHaveLength(1);
    },
  );

  test("a link to the host's root, and a bind mount of it, are refused", () => {
    const root = new HostileRoot();
    symlinkSync("/", join(root.top, "slash"));
    mkdirSync(join(root.top, "bound"));
    for (const name of ["slash", "bound"]) {
      const stdin = stateFor(root.path, { root: join(root.top, name) });
      const mounts = `mount --bind / "$TOP/bound"`;
      const result = root.createSymlinks([`evil::${root.outside}/evil`], { stdin, mounts });
      expect(result.status, name).toBe(1);
    }
  });

  test("what is no folder is refused: a file, a FIFO, a link to nowhere", () => {
    const root = new HostileRoot();
    symlinkSync("nowhere", join(root.top, "dangling"));
    for (const path of [join(root.outside, "secret"), join(root.outside, "fifo"), join(root.top, "dangling")]) {
      expect(root.createSymlinks(["x::/x"], { stdin: stateFor(root.path, { root: path }) }).status, path).toBe(1);
    }
  });
});

describe("the canary is alive: what a tool that trusts paths does", () => {
  test("ln -sfn through the same link reaches the host", async () => {
    const { execFileSync } = await import("node:child_process");
    const root = new HostileRoot();
    root.folder("opt").link("opt/way", root.outside);
    execFileSync("ln", ["-sfn", "evil", root.at("opt/way/evil")]);
    expect(readlinkSync(join(root.outside, "evil"))).toBe("evil");
  });

  test("and mkdir -p, and ln -sf into the folder that a link leads to", async () => {
    const { execFileSync } = await import("node:child_process");
    const root = new HostileRoot();
    root.folder("opt").link("opt/way", root.climbing(root.outside)).link("opt/place", join(root.outside, "empty"));
    execFileSync("mkdir", ["-p", root.at("opt/way/new")]);
    execFileSync("ln", ["-sf", "evil", root.at("opt/place")]);
    expect(existsSync(join(root.outside, "new"))).toBe(true);
    expect(lstatSync(join(root.outside, "empty/evil")).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(root.outside, "secret"), "utf8")).toBe("secret");
  });
});
