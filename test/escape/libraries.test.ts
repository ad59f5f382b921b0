/** Libraries of an image whose names, sonames and sizes are made to do harm. */
import { execFileSync } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { beforeEach, describe, expect, test } from "vitest";
import { type ForgedElf, forgeElf } from "../support/elf-forge.ts";
import { driverFolder, HostileRoot } from "../support/hostile-root.ts";
import { SeededRandom } from "../support/seeded-random.ts";

const addressSpace = 192 << 20;

let root: HostileRoot;
beforeEach(() => {
  root = new HostileRoot();
});

function elf(name: string, forged: ForgedElf): void {
  writeFileSync(Buffer.from(root.at(`${driverFolder}/${name}`), "latin1"), forgeElf(forged));
}

function expectUpdate(): readonly string[] {
  const result = root.updateLdcache({ addressSpace });
  expect(result.status, result.stderr).toBe(0);
  root.expectCache();
  root.expectNoLitter();
  expect(result.warnings.length).toBeLessThan(50);
  return result.warnings;
}

describe("sonames", () => {
  test.each([
    ["a path out of the root", "../../../../../outside/usr/lib/libevil.so.1"],
    ["an absolute path", "/etc/passwd"],
    ["a path to a folder beside", "glibc-hwcaps/libevil.so.1"],
    ["one slash", "/"],
    ["..", ".."],
    [".", "."],
    ["nothing", ""],
    ["slash at the end", "libevil.so.1/"],
  ])("%s: no link is made for it", (_, soname) => {
    root.folder(`.${driverFolder}/glibc-hwcaps`);
    elf("libevil.so.1.2", { sonames: [soname] });
    const before = root.names(driverFolder);
    expectUpdate();
    expect(root.names(driverFolder)).toEqual([...before, "libcuda.so.1"].sort());
  });

  test("a newline, control characters, bytes that are no UTF-8: a link of that name, and an escaped message", () => {
    const sonames = [
      "lib\nevil.so.1",
      "lib\u001b]0;owned\u0007.so.1",
      "lib\xff\xfe.so.1",
      "lib\rcdi-hook: error: forged",
      "libé.so",
    ];
    sonames.forEach((soname, at) =>
      elf(`libevil${at}.so.1.2`, { sonames: [Buffer.from(soname, "latin1").toString("latin1")] }),
    );
    for (const soname of sonames) mkdirSync(Buffer.from(root.at(`${driverFolder}/${soname}`), "latin1"));
    const result = root.attack(["update-ldcache", "--debug", "--folder", driverFolder]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toContain(String.raw`lib\nevil.so.1`);
    root.expectCache();
  });

  test("100 kB; 255 and 256 bytes; a thousand dots", () => {
    elf("libone.so.1", { sonames: ["x".repeat(100_000)] });
    elf("libtwo.so.1", { sonames: [`lib${"y".repeat(252)}`] });
    elf("libthree.so.1", { sonames: [`lib${"z".repeat(253)}`] });
    elf("libfour.so.1", { sonames: [`lib${".9".repeat(100)}`] });
    expectUpdate();
    expect(root.names(driverFolder)).toContain(`lib${"y".repeat(252)}`);
  });

  test("the soname of another library, of ld.so, of our temporary files, of the cache", () => {
    root.library(`.${driverFolder}/ld-linux-x86-64.so.2`, "ld-linux-x86-64.so.2");
    const names = [
      "libc.so.6",
      "ld-linux-x86-64.so.2",
      `.cdi-hook-${process.pid}-0123456789abcdef`,
      "ld.so.cache",
      "-rf",
    ];
    names.forEach((soname, at) => elf(`libevil${at}.so`, { sonames: [soname] }));
    const libc = lstatSync(root.at(`${driverFolder}/libc.so.6`)).ino;
    root.updateLdcache({ addressSpace });
    expect(lstatSync(root.at(`${driverFolder}/libc.so.6`)).ino, "a file is never replaced by a link").toBe(libc);
    expect(lstatSync(root.at(`${driverFolder}/ld-linux-x86-64.so.2`)).isFile()).toBe(true);
  });

  test("a thousand files of one soname", () => {
    for (let at = 0; at < 1000; at++) elf(`libsame.so.1.${at}`, { sonames: ["libsame.so.1"] });
    expectUpdate();
    expect(root.linkAt(`${driverFolder}/libsame.so.1`)).toBe("libsame.so.1.999");
  });

  test("versions of two hundred digits", () => {
    for (const digit of [1, 2, 3]) elf(`libbig.so.${String(digit).repeat(200)}`, { sonames: ["libbig.so.1"] });
    expectUpdate();
    expect(root.linkAt(`${driverFolder}/libbig.so.1`)).toMatch(/^libbig\.so\.[123]{200}$/);
  });
});

describe("names", () => {
  test("newlines, control characters, bytes that are no UTF-8, spaces, and 255 of them", () => {
    const names = [
      "lib\n.so.1",
      "lib\u001b[2J.so",
      "lib\xff\x80.so.1",
      "lib .so",
      `lib${"n".repeat(249)}.so`,
      "lib\u0001\u0002.so.1",
    ];
    names.forEach((name, at) => elf(name, { sonames: [`libnamed${at}.so.1`] }));
    expectUpdate();
    const links = root.names(driverFolder).filter((name) => name.startsWith("libnamed"));
    expect(links).toHaveLength(names.length);
    const cache = readFileSync(root.at("etc/ld.so.cache")).toString("latin1");
    expect(cache).toContain("libnamed2.so.1");
    const debug = root.attack(["update-ldcache", "--debug", "--folder", driverFolder]);
    expect(debug.status).toBe(0);
  });

  test("a folder of 200,000 names, none of them a library", () => {
    inFolder(
      driverFolder,
      `for (let i = 0; i < 200000; i++) {
      if (i % 50000 === 0) fs.writeFileSync("../seed" + i, "");
      fs.linkSync("../seed" + (i - (i % 50000)), "name-" + i);
    }`,
    );
    expectUpdate();
  });

  test("a folder of 32,768 names that are one in a hash table whose function is known", () => {
    const collisions: [string, string][] = [];
    const seen = new Map<number, string>();
    const random = new SeededRandom(1);
    while (collisions.length < 15) {
      const text = (random.word() % 2 ** 30).toString(36).padStart(6, "-") + (random.word() % 36 ** 2).toString(36);
      const part = text.padEnd(8, "-");
      const hash = Array.from(part).reduce((sum, character) => (sum * 263 + character.charCodeAt(0)) % 2 ** 30, 0);
      const other = seen.get(hash);
      if (other !== undefined && other !== part) {
        collisions.push([other, part]);
        seen.delete(hash);
      } else seen.set(hash, part);
    }
    const parts = JSON.stringify(collisions);
    inFolder(
      driverFolder,
      `for (let i = 0; i < 32768; i++) fs.writeFileSync(${parts}.map((pair, bit) => pair[i >> bit & 1]).join(""), "");`,
    );
    expectUpdate();
  });

  test("a folder of 66,000 soname links that lead nowhere, which are removed", () => {
    inFolder(driverFolder, `for (let i = 0; i < 66000; i++) fs.symlinkSync("nowhere", "lib.so." + i);`);
    expectUpdate();
    expect(root.names(driverFolder)).toEqual(["libc.so.6", "libcuda.so.1", "libcuda.so.580.1"]);
  });

  test("a folder of 50,000 links that lead nowhere", () => {
    inFolder(driverFolder, `for (let i = 0; i < 50000; i++) fs.symlinkSync("nowhere", "lib" + i + ".so");`);
    expectUpdate();
  });

  test("a folder of 20,000 libraries, each with the link of another's soname in its way", () => {
    const library = forgeElf({ sonames: ["libmany.so.1"] });
    for (let at = 0; at < 20_000; at++) writeFileSync(root.at(`${driverFolder}/libmany${at}.so.1`), library);
    root.link(`.${driverFolder}/libmany.so.1`, "libmany0.so.1");
    expectUpdate();
  });

  test("folders a thousand deep, with components of 255 bytes", () => {
    const name = "d".repeat(255);
    inFolder("/usr/lib", `for (let i = 0; i < 1000; i++) { fs.mkdirSync("${name}"); process.chdir("${name}"); }`);
    root.file("etc/ld.so.conf.d/image.conf", `/usr/lib${`/${name}`.repeat(15)}\n/usr/lib${`/${name}`.repeat(900)}\n`);
    expectUpdate();
  });

  /** Runs a script in a folder of the root; a process of its own may go where no path reaches. */
  function inFolder(path: string, script: string): void {
    execFileSync(process.execPath, ["-e", `const fs = require("node:fs"); ${script}`], { cwd: root.at(path) });
  }
});

describe("files", () => {
  test("8 GiB, sparse: nothing, and a library at its beginning or with its tables at its end", () => {
    truncateSync(root.file(`.${driverFolder}/libzero.so.1`).at(`${driverFolder}/libzero.so.1`), 2 ** 33);
    elf("libhuge.so.1.2", { sonames: ["libhuge.so.1"] });
    truncateSync(root.at(`${driverFolder}/libhuge.so.1.2`), 2 ** 33);
    elf("libfar.so.1.2", {
      sonames: ["libfar.so.1"],
      wild: { dynamicOffset: 2n ** 33n - 100n, dynamicSize: 2n ** 33n },
    });
    truncateSync(root.at(`${driverFolder}/libfar.so.1.2`), 2 ** 33);
    expectUpdate();
    expect(root.linkAt(`${driverFolder}/libhuge.so.1`)).toBe("libhuge.so.1.2");
  });

  const wild: readonly [string, ForgedElf][] = [
    ["program headers behind the end", { wild: { phoff: 2n ** 62n } }],
    ["program headers at -1", { wild: { phoff: 2n ** 64n - 1n } }],
    ["65,535 program headers", { wild: { phnum: 65_535 } }],
    ["a dynamic section of 2^63 bytes", { wild: { dynamicSize: 2n ** 63n } }],
    ["a dynamic section at 2^64-8", { wild: { dynamicOffset: 2n ** 64n - 8n } }],
    ["a string table at 2^63", { wild: { stringTable: 2n ** 63n } }],
    ["a soname at -1", { sonames: ["x"], wild: { sonameOffset: 2n ** 64n - 1n } }],
    ["a soname behind the end", { sonames: ["x"], wild: { sonameOffset: 2n ** 31n } }],
    ["an interpreter at -1", { interpreter: "/lib/ld.so", wild: { interpreterOffset: 2n ** 64n - 1n } }],
    ["big-endian", { bigEndian: true, sonames: ["libbig.so.1"] }],
    ["32 bit with 64-bit class", { bits: 32, classByte: 2 }],
    ["cut in its header", { truncate: 20 }],
    ["empty", { truncate: 0 }],
  ];
  test("ELF files with wild numbers: skipped, each of them", () => {
    wild.forEach(([, forged], at) => elf(`libwild${at}.so.1.2`, forged));
    expectUpdate();
  });

  test("a note section that goes round in circles, and one of a gigabyte", () => {
    const note = { name: "GNU", type: 5, description: new Uint8Array(0) };
    elf("libnote.so.1", { notes: Array.from({ length: 3000 }, () => note) });
    elf("libprop.so.1", { isaNeeded: 0xffffffff, propertyAlignment: 0 });
    expectUpdate();
  });

  test("a property of 2^32 bytes in a segment of 2^63: it is not the first one again and again", () => {
    const bytes = Buffer.from(forgeElf({ sonames: ["libring.so.1"], isaNeeded: 1 }));
    const header = bytes.indexOf(Buffer.from([0x53, 0xe5, 0x74, 0x64]));
    const note = Number(bytes.readBigUInt64LE(header + 8));
    bytes.writeBigUInt64LE(2n ** 63n, header + 32);
    bytes.writeUInt32LE(0xffff_fff0, note);
    bytes.writeUInt32LE(0, note + 4);
    root.folder(`.${driverFolder}/glibc-hwcaps/x86-64-v2`);
    root.file(`.${driverFolder}/glibc-hwcaps/x86-64-v2/libring.so.1`, bytes);
    expectUpdate();
  });

  test("60,000 segments that are the same 64 KiB of notes", () => {
    const bytes = Buffer.from(forgeElf({ sonames: ["libnotes.so.1"], isaNeeded: 1, padding: 64 << 10 }));
    const header = bytes.subarray(64, 64 + 56 * 3);
    const at = header.indexOf(Buffer.from([0x53, 0xe5, 0x74, 0x64]));
    header.writeBigUInt64LE(BigInt(bytes.length - (64 << 10)), at + 8);
    header.writeBigUInt64LE(64n << 10n, at + 32);
    const headers = Buffer.alloc(60_000 * 56, header.subarray(at, at + 56));
    bytes.writeBigUInt64LE(BigInt(bytes.length), 32);
    bytes.writeUInt16LE(60_000, 56);
    root.folder(`.${driverFolder}/glibc-hwcaps/x86-64-v2`);
    root.file(`.${driverFolder}/glibc-hwcaps/x86-64-v2/libnotes.so.1`, Buffer.concat([bytes, headers]));
    expectUpdate();
  });

  test("an ldconfig and C libraries of all architectures with 120,000 beginnings of a version", () => {
    const bytes = Buffer.from(forgeElf({ padding: 2 << 20 }));
    bytes.fill(" release version ", bytes.length - (2 << 20));
    for (const folder of ["sbin", "usr/sbin"]) {
      root.folder(folder);
      for (const name of ["ldconfig", "ldconfig.real"]) root.file(`${folder}/${name}`, bytes);
    }
    root.file("tmp/libc", bytes).remove(`${driverFolder}/libc.so.6`);
    for (const triplet of ["x86_64", "aarch64", "i386", "powerpc64le", "s390x", "riscv64", "loongarch64"]) {
      root.folder(`usr/lib/${triplet}-linux-gnu`).link(`usr/lib/${triplet}-linux-gnu/libc.so.6`, "/tmp/libc");
    }
    for (const folder of ["usr/lib64", "usr/lib"]) root.link(`${folder}/libc.so.6`, "/tmp/libc");
    expectUpdate();
  });

  test("text with the magic of an ELF file, a linker script, a.out", () => {
    root.file(`.${driverFolder}/libtext.so`, `\x7fELF${"A".repeat(5000)}`);
    root.file(`.${driverFolder}/libscript.so`, "/* GNU ld script */ INPUT(/etc/shadow)\n");
    root.file(`.${driverFolder}/libaout.so.1`, Buffer.from([0x07, 0x01, 0x64, 0x00, ...Array<number>(100).fill(0)]));
    expectUpdate();
  });
});
