/** Archives of strangers: whatever their names say, nothing but the archive is read, and nothing but the output written. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readCache } from "../../src/ldcache/read.ts";
import { forgeElf } from "../support/elf-forge.ts";
import { program } from "../support/debian-root.ts";
import { type AttackResult, HostileRoot } from "../support/hostile-root.ts";
import { forgedMember, forgedTar, paxRecords, type ForgedMember } from "../support/tar-forge.ts";

const library = (name: string, soname: string): ForgedMember => ({ name, content: forgeElf({ sonames: [soname] }) });
const link = (name: string, linkName: string): ForgedMember => ({ name, type: "2", linkName });
const folder = (name: string): ForgedMember => ({ name, type: "5", mode: 0o755 });

/** What an honest image has. */
const honest: readonly ForgedMember[] = [
  { name: "etc/debian_version", content: "12.11\n" },
  { name: "etc/ld.so.conf", content: "/usr/lib/driver\n" },
  library("usr/lib/driver/libcuda.so.580", "libcuda.so.1"),
];

interface Outcome extends AttackResult {
  readonly output: string;
}

/** Rebuilds the cache of an archive into another file; what is outside is watched by the HostileRoot. */
function rebuild(bytes: Uint8Array, root = new HostileRoot()): Outcome {
  const input = join(root.path, "in.tar");
  const output = join(root.path, "out.tar");
  writeFileSync(input, bytes);
  const result = root.attack(["ldcache", "rebuild", "--root", input, "--to", output, "--glibc", "2.36"], {
    env: { TMPDIR: join(root.path, "tmp") },
  });
  expect(result.signal, result.stderr).toBe(null);
  expect(readdirSync(join(root.path, "tmp")), "nothing is left of what was unpacked").toEqual([]);
  expect(existsSync(output)).toBe(result.status === 0);
  root.expectNoLitter();
  return { ...result, output };
}

/** The names in the cache of an archive that was written. */
function cached({ output, stderr, status }: Outcome): string[] {
  expect(status, stderr).toBe(0);
  const cache = execFileSync("tar", ["-xOf", output, "etc/ld.so.cache"], { maxBuffer: 64 << 20 });
  return readCache(cache).entries.map(({ value }) => value);
}

const names = (path: string): string[] => execFileSync("tar", ["-tf", path], { encoding: "utf8" }).trim().split("\n");

test("control: an honest archive gets its cache and its link", () => {
  const outcome = rebuild(forgedTar(honest));
  expect(cached(outcome)).toEqual(["/usr/lib/driver/libcuda.so.1"]);
  expect(names(outcome.output).slice(honest.length)).toEqual(["etc/ld.so.cache", "usr/lib/driver/libcuda.so.1"]);
});

describe("names that lead out", () => {
  test("absolute, climbing, through links: all of it stays in the tree", () => {
    const root = new HostileRoot();
    const outside = root.outside;
    const outcome = rebuild(
      forgedTar([
        ...honest,
        library("/usr/lib/driver/libabsolute.so.1", "libabsolute.so.1"),
        library(`${"../".repeat(15)}usr/lib/driver/libclimbing.so.1`, "libclimbing.so.1"),
        link("out", outside),
        library("out/usr/lib/libplanted.so.1", "libplanted.so.1"),
        link("climb", `${"../".repeat(15)}${outside}`),
        library("climb/libplanted.so.2", "libplanted.so.2"),
        { name: "etc/ld.so.conf.d/x.conf", content: `${outside}/usr/lib\n` },
        {
          name: "etc/ld.so.conf",
          content: `/usr/lib/driver\ninclude ld.so.conf.d/*.conf\ninclude ${outside}/etc/ld.so.conf\n`,
        },
      ]),
      root,
    );
    expect(cached(outcome).sort()).toEqual(
      [
        `${outside}/usr/lib/libplanted.so.1`,
        "/usr/lib/driver/libabsolute.so.1",
        "/usr/lib/driver/libclimbing.so.1",
        "/usr/lib/driver/libcuda.so.1",
      ].sort(),
    );
  });

  test.each([
    ["etc", "OUTSIDE/etc"],
    ["usr/lib/driver", "OUTSIDE/usr/lib"],
    ["etc/ld.so.cache", "OUTSIDE/etc/ld.so.cache"],
    ["etc/ld.so.conf", "OUTSIDE/etc/ld.so.conf"],
    ["usr/lib/driver/libcuda.so.1", "OUTSIDE/secret"],
    ["usr/lib/driver/libhost.so.1", "OUTSIDE/usr/lib/libhost.so.1.2"],
  ])("a link to the host: %s to %s", (name, target) => {
    const root = new HostileRoot();
    const outcome = rebuild(forgedTar([...honest, link(name, target.replace("OUTSIDE", root.outside))]), root);
    expect(outcome.status, outcome.stderr).toBe(0);
    expect(readFileSync(outcome.output).includes("libhost.so.1\0/")).toBe(false);
    expect(readFileSync(outcome.output).includes("the host's cache")).toBe(false);
  });

  test("a hard link to a file of the host has no target", () => {
    const root = new HostileRoot();
    for (const linkName of [join(root.outside, "secret"), "/etc/passwd", "../../../../etc/passwd"]) {
      const { errors } = rebuild(
        forgedTar([...honest, { name: "usr/lib/driver/libx.so.1", type: "1", linkName }]),
        root,
      );
      expect(errors).toEqual([expect.stringContaining("a hard link to what is not there")]);
    }
  });

  test("devices, FIFOs and sockets are names, and are never opened", () => {
    const special = ["3", "4", "6"].map((type) => ({
      name: `usr/lib/driver/libd${type}.so.1`,
      type,
      raw: { 329: "0000001" },
    }));
    expect(cached(rebuild(forgedTar([...honest, ...special, { name: "etc/ld.so.conf.d/f.conf", type: "6" }])))).toEqual(
      ["/usr/lib/driver/libcuda.so.1"],
    );
  });

  test("names that would move the cursor are shown as they are written", () => {
    const { stderr } = rebuild(forgedTar([...honest, { name: "\x1b[2J\n", type: "1", linkName: "none" }]));
    expect(stderr).toContain("\\x1b[2J\\n");
  });
});

describe("numbers that lie", () => {
  test("a library of 8 EiB, and one of 2^52 bytes with a hole for content", () => {
    const huge = { name: "usr/lib/driver/libhuge.so.1", raw: { 124: "\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff" } };
    expect(rebuild(forgedTar([...honest, huge])).errors).toEqual([expect.stringContaining("size at byte")]);
    const pax = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": String(2 ** 52) };
    const hole = { name: "usr/lib/driver/libhole.so.1", content: "0\n".padEnd(512, "\0"), pax };
    const elfs = [
      "etc/ld.so.conf.d/hole.conf",
      "etc/ld.so.cache",
      "etc/os-release",
      "sbin/ldconfig",
      "usr/lib/libc.so.6",
    ];
    const outcome = rebuild(forgedTar([...honest, hole, ...elfs.map((name) => ({ ...hole, name }))]));
    expect(cached(outcome)).toEqual(["/usr/lib/driver/libcuda.so.1"]);
    expect(outcome.ms).toBeLessThan(60_000);
  });

  test("an extended header of 8 GiB, and ten thousand small ones", () => {
    const { errors } = rebuild(forgedTar([{ name: "p", type: "x", size: 8 ** 11 - 1 }, ...honest]));
    expect(errors).toEqual([expect.stringContaining("an extension of more than 1048576 bytes")]);
    const many = Array.from({ length: 10_000 }, (_, at) => ({
      name: "p",
      type: "x",
      content: paxRecords({ comment: `abc${at % 10}` }),
    }));
    expect(cached(rebuild(forgedTar([...many, ...honest])))).toHaveLength(1);
  });

  test("a cut archive is refused at the byte where it ends", () => {
    const { errors } = rebuild(forgedTar(honest).subarray(0, 2500));
    expect(errors).toEqual([expect.stringMatching(/content at byte 2560|header at byte 2048/)]);
  });
});

describe("too much of it", () => {
  test("zeros that were packed to a thousandth are unpacked to a bound", (context) => {
    if (program("gzip") === undefined) return context.skip("needs gzip");
    const bomb = Buffer.concat([
      gzipSync(forgedMember({ name: "zeros", size: 2 ** 30 })),
      ...Array.from({ length: 18 }, () => gzipSync(Buffer.alloc(16 << 20), { level: 1 })),
    ]);
    const { errors } = rebuild(bomb);
    expect(errors).toEqual([expect.stringContaining("to more than 268435456 bytes")]);
  });

  test("what is packed and broken is refused with the program's words", (context) => {
    if (program("gzip") === undefined) return context.skip("needs gzip");
    const packed = gzipSync(forgedTar(honest));
    for (const broken of [packed.subarray(0, 200), Buffer.concat([packed.subarray(0, 100), packed.subarray(150)])]) {
      expect(rebuild(broken).errors).toEqual([
        expect.stringMatching(/gzip failed in .*, status 1: gzip: (?:stdin: )?/),
      ]);
    }
  });

  test("folders in folders, links to links, a folder that is its own", () => {
    const deep = [{ name: "x", pax: { path: `${"d/".repeat(1000)}x` } }];
    expect(rebuild(forgedTar([...honest, ...deep])).errors).toEqual([expect.stringContaining("deeper than 256")]);
    const chain = Array.from({ length: 60 }, (_, at) => link(`l${at}`, `l${at + 1}`));
    const behind = { name: "l0/file" };
    expect(rebuild(forgedTar([...honest, ...chain, behind])).errors).toEqual([
      expect.stringContaining("too many links"),
    ]);
    const own = [folder("a"), link("a/a", "../a"), { name: `${"a/".repeat(30)}file` }];
    expect(cached(rebuild(forgedTar([...honest, ...own])))).toHaveLength(1);
  });

  test("links that multiply: each path through the longest targets", () => {
    const target = "d/../".repeat(700);
    const chain = Array.from({ length: 39 }, (_, at) => ({
      name: `l${at}`,
      type: "2",
      pax: { linkpath: `${target}l${at + 1}` },
    }));
    const paths = Array.from({ length: 300 }, (_, at) => ({ name: `l0/f${at}/g${at}` }));
    const outcome = rebuild(forgedTar([...honest, folder("d"), folder("l39"), ...chain, ...paths]));
    expect(outcome.ms).toBeLessThan(60_000);
    expect(outcome.status === 0 || outcome.errors.some((line) => line.includes("steps of paths")), outcome.stderr).toBe(
      true,
    );
  });
});

describe("the output", () => {
  test("a link in its place is replaced and not followed", () => {
    const root = new HostileRoot();
    root.link("out.tar", join(root.outside, "secret"));
    expect(cached(rebuild(forgedTar(honest), root))).toHaveLength(1);
  });

  test("a removed link that others are hard links to is not left out silently", () => {
    const members = [
      link("usr/lib/driver/libgone.so.1", "nowhere"),
      { name: "kept", type: "1", linkName: "usr/lib/driver/libgone.so.1" },
    ];
    expect(rebuild(forgedTar([...honest, ...members])).errors).toEqual([
      expect.stringContaining("other members are hard links to it"),
    ]);
  });

  test("a cache that others are hard links to stays what it was for them", () => {
    const members = [
      { name: "etc/ld.so.cache", content: "old" },
      { name: "kept", type: "1", linkName: "etc/ld.so.cache" },
    ];
    const outcome = rebuild(forgedTar([...honest, ...members]));
    const into = join(outcome.output, "../unpacked");
    spawnSync("mkdir", [into]);
    execFileSync("tar", ["-C", into, "-xf", outcome.output]);
    expect(readFileSync(join(into, "kept"), "utf8")).toBe("old");
    expect(readCache(readFileSync(join(into, "etc/ld.so.cache"))).entries).toHaveLength(1);
  });
});
