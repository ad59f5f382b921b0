import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { MACHINE } from "../../test/support/elf-forge.ts";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { EntryList } from "../ldcache/entry-list.ts";
import { writeCache } from "../ldcache/write.ts";
import { KernelRoot } from "../rootfs/kernel-root.ts";
import { detectProfile, type Detection } from "./detect.ts";
import { profileFor } from "./profile.ts";

const log = { debugging: true, debug: () => undefined, warn: () => undefined };

interface ForgedProgram {
  machine?: number;
  flags?: number;
  wide?: boolean;
  bigEndian?: boolean;
  /** Where the strings stand, in bytes from the start of the read-only data. */
  at?: number;
  /** No section headers: only segments tell where the strings are; one that is executable with `executable`. */
  segmentsOnly?: boolean;
  executable?: boolean;
  /** Makes the tables' offsets, sizes and counts wild. */
  wild?: boolean;
}

/** A program with these NUL-terminated strings in its read-only data, as far as detection looks at programs. */
function program(strings: readonly string[], forged: ForgedProgram = {}): Uint8Array {
  const { at = 100, bigEndian = false, wide = true } = forged;
  const text = Buffer.from(
    `${"\xff".repeat(at)}\0${strings.map((string) => `${string}\0`).join("")}${"\0".repeat(2000)}`,
    "latin1",
  );
  const dataAt = 0x200;
  const file = new Uint8Array(dataAt + text.length);
  const view = new DataView(file.buffer);
  const little = !bigEndian;
  const word = (offset: number, value: number): void => {
    if (wide) view.setBigUint64(offset, BigInt(value), little);
    else view.setUint32(offset, value, little);
  };
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, bigEndian ? 2 : 1, 1]);
  view.setUint16(18, forged.machine ?? MACHINE.EM_X86_64, little);
  view.setUint32(wide ? 48 : 36, forged.flags ?? 0, little);
  const size = forged.wild === true ? 2 ** 31 : text.length;
  if (forged.segmentsOnly === true) {
    word(wide ? 32 : 28, 0x80);
    view.setUint16(wide ? 56 : 44, 1, little);
    view.setUint32(0x80, 1, little);
    view.setUint32(0x80 + (wide ? 4 : 24), forged.executable === true ? 5 : 4, little);
    word(0x80 + (wide ? 8 : 4), dataAt);
    word(0x80 + (wide ? 32 : 16), size);
  } else {
    word(wide ? 40 : 32, 0x80);
    view.setUint16(wide ? 60 : 48, forged.wild === true ? 0xffff : 1, little);
    view.setUint32(0x80 + 4, 1, little);
    word(0x80 + 8, 2);
    word(0x80 + (wide ? 24 : 16), dataAt);
    word(0x80 + (wide ? 32 : 20), size);
  }
  file.set(text, dataAt);
  return file;
}

function detect(files: Record<string, Uint8Array | string>, links: Record<string, string> = {}): Detection {
  const path = scratchDirectory();
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(path, dirname(name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  for (const [name, target] of Object.entries(links)) {
    mkdirSync(join(path, dirname(name)), { recursive: true });
    symlinkSync(target, join(path, name));
  }
  using root = KernelRoot.open(path);
  return detectProfile(root, log);
}

const debian12 = "ldconfig (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36";

describe("the image's own ldconfig", () => {
  test("Debian 12", () => {
    const { libc, profile, why } = detect({ "/sbin/ldconfig": program(["(Debian GLIBC 2.36-9+deb12u14) ", debian12]) });
    expect(libc).toBe("glibc");
    expect(profile).toMatchObject({ name: "2.36 debian x86-64", keepsLoaderLinks: true });
    expect(profile.layout.generator).toBe(debian12);
    expect(why).toBe(`/sbin/ldconfig is of "${debian12}", x86-64`);
  });

  test.each([
    ["/usr/sbin/ldconfig", {}],
    ["/usr/bin/ldconfig", { "/sbin": "usr/bin" }],
    ["/opt/real", { "/sbin/ldconfig": "/opt/real" }],
    ["/opt/real", { "/sbin": "/../../opt", "/opt/ldconfig": "real" }],
  ])("%s, by links %j", (path, links) => {
    expect(detect({ [path]: program([debian12]) }, links).profile.glibc).toBe("2.36");
  });

  test("Ubuntu: a script of that name, and the program beside it", () => {
    const generator = "ldconfig (Ubuntu GLIBC 2.39-0ubuntu8.6) stable release version 2.39";
    const { profile } = detect({
      "/usr/sbin/ldconfig.real": program([generator]),
      "/usr/sbin/ldconfig": "#!/bin/sh\n",
    });
    expect(profile.name).toBe("2.39 ubuntu x86-64");
    expect(profile.layout.generator).toBe(generator);
  });

  test.each([
    ["ldconfig (GNU libc) stable release version 2.34", "2.34 upstream x86-64"],
    ["ldconfig (GNU libc) release release version 2.33", "2.33 upstream x86-64"],
    ["ldconfig (GNU libc) development release version 2.42.9000", "2.42.9000 upstream x86-64"],
    ["ldconfig (Gentoo 2.38-r10 (patchset 9)) stable release version 2.38", "2.38 upstream x86-64"],
    ["ldconfig (GNU libc) stable release version 2.28", "2.28 rhel x86-64"],
    ["ldconfig (GNU libc) stable release version 2.99", "2.99 upstream x86-64"],
  ])("%s", (generator, name) => {
    const { profile, why } = detect({ "/sbin/ldconfig": program([generator]) });
    expect(profile.name).toBe(name);
    expect(profile.layout.generator).toBe(generator);
    expect(why.includes("newer than")).toBe(generator.endsWith("2.99"));
  });

  test("Debian 11: no generator's name, but the package's version", () => {
    const strings = [
      "(Debian GLIBC 2.31-13+deb11u11) ",
      "Format to use: new (default), old",
      "has wrong endianness.\n",
    ];
    const { profile, why } = detect({ "/sbin/ldconfig": program(strings) });
    expect(profile.layout).toMatchObject({ format: "new", endianByte: true, extensions: false });
    expect(why).toBe('/sbin/ldconfig is of "Debian GLIBC 2.31-13+deb11u11, glibc 2.31", x86-64');
  });

  test("Ubuntu 20.04: what its strings show decides", () => {
    const package20 = "(Ubuntu GLIBC 2.31-0ubuntu9.16) ";
    const without = detect({ "/sbin/ldconfig.real": program([package20, "new (default)"]) }).profile.layout;
    expect(without).toMatchObject({ format: "new", endianByte: false });
    const withByte = detect({ "/sbin/ldconfig.real": program([package20, "new (default)", "wrong endianness"]) });
    expect(withByte.profile.layout.endianByte).toBe(true);
  });

  test("Wolfi and Arch Linux: built-in folders below /usr/lib", () => {
    const folders = ["/usr/lib", "/usr/lib64", "/usr/libx32"];
    const wolfi = detect({ "/sbin/ldconfig": program(["ldconfig (glibc-2.41-r53) stable release version 2.41"]) });
    expect(wolfi.profile.systemDirectories).toEqual(folders);
    const arch = detect(
      {
        "/usr/bin/ldconfig": program(["ldconfig (GNU libc) stable release version 2.42"]),
        "/etc/os-release": 'NAME="Arch Linux"\nID=arch\n',
      },
      { "/sbin": "usr/bin" },
    );
    expect(arch.profile.systemDirectories).toEqual(folders);
  });

  test("a derivative of Debian that calls itself otherwise", () => {
    const generator = "ldconfig (Devuan GLIBC 2.36-9) stable release version 2.36";
    const strings = [
      "%s is the dynamic linker, ignoring\n",
      "/lib/x86_64-linux-gnu/",
      "/usr/lib/x86_64-linux-gnu/",
      generator,
    ];
    const { profile } = detect({ "/sbin/ldconfig": program(strings) });
    expect(profile.keepsLoaderLinks).toBe(true);
    expect(profile.systemDirectories[0]).toBe("/lib/x86_64-linux-gnu");
  });

  test.each([
    [{ machine: MACHINE.EM_AARCH64 }, "aarch64"],
    [{ machine: MACHINE.EM_386, wide: false }, "i386"],
    [{ machine: MACHINE.EM_ARM, wide: false, flags: 0x5000400 }, "armhf"],
    [{ machine: MACHINE.EM_S390, bigEndian: true }, "s390x"],
    [{ machine: MACHINE.EM_PPC64 }, "ppc64le"],
  ])("%j", (forged, architecture) => {
    expect(detect({ "/sbin/ldconfig": program([debian12], forged) }).profile.architecture).toBe(architecture);
  });

  test.each([
    { at: 8192 - 30 },
    { at: 14_000 },
    { at: 1 << 20 },
    { segmentsOnly: true },
    { segmentsOnly: true, executable: true, at: 500_000 },
    { segmentsOnly: true, wide: false, machine: MACHINE.EM_386 },
    { wild: true, segmentsOnly: true },
  ])("found with %j", (forged) => {
    expect(detect({ "/sbin/ldconfig": program([debian12], forged) }).profile.layout.generator).toBe(debian12);
  });

  test.each([
    ["a text file", "#!/bin/sh\n"],
    ["an empty file", ""],
    ["an ELF header and no more", program([]).subarray(0, 64)],
    ["half an ELF header", program([]).subarray(0, 20)],
    ["wild tables", program([debian12], { wild: true })],
    ["the name behind 2 MiB", program([debian12], { at: 3 << 20 })],
    ["a name without its end", program([debian12.slice(0, -4)])],
    ["a name of 1000 bytes", program([`ldconfig (${"x".repeat(1000)}) stable release version 2.36`])],
    ["another machine", program([debian12], { machine: 2 })],
  ])("%s tells nothing", (_what, content) => {
    expect(detect({ "/sbin/ldconfig": content }).libc).toBe("none");
  });

  test("a FIFO, a folder, a link into the host tell nothing", () => {
    expect(detect({ "/sbin/ldconfig/x": "" }).libc).toBe("none");
    expect(detect({}, { "/sbin/ldconfig": "/proc/self/exe" }).libc).toBe("none");
    expect(detect({}, { "/sbin/ldconfig": `../../../../../../../..${process.execPath}` }).libc).toBe("none");
  });
});

describe("without ldconfig", () => {
  test("libc's banner", () => {
    const banner = "GNU C Library (Debian GLIBC 2.36-9+deb12u14) stable release version 2.36.\nCopyright";
    const { profile, why } = detect({ "/lib/x86_64-linux-gnu/libc.so.6": program([banner]) });
    expect(profile.layout.generator).toBe(debian12);
    expect(profile.name).toBe("2.36 debian x86-64");
    expect(why).toContain("/lib/x86_64-linux-gnu/libc.so.6");
  });

  test("libc's banner, where ldconfig does not tell its version", () => {
    const { profile } = detect({
      "/sbin/ldconfig": program(["(GNU libc) ", "new (default)"]),
      "/lib64/libc.so.6": program(["GNU C Library (GNU libc) release release version 2.32.\n"]),
    });
    expect(profile).toMatchObject({ name: "2.32 upstream x86-64", layout: { format: "new", endianByte: false } });
  });

  test("2.28 of RHEL 8, and of others", () => {
    const libc = { "/lib64/libc.so.6": program(["GNU C Library (GNU libc) stable release version 2.28.\n"]) };
    const release = 'ID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="8.10"\n';
    expect(detect({ ...libc, "/etc/os-release": release }).profile.name).toBe("2.28 rhel x86-64");
    expect(detect({ ...libc, "/etc/os-release": "ID=other\n" }).profile.layout.format).toBe("compat");
  });

  test("musl", () => {
    const { libc, profile, why } = detect({ "/lib/ld-musl-aarch64.so.1": "" });
    expect([libc, profile.architecture]).toEqual(["musl", "aarch64"]);
    expect(why).toBe("/lib/ld-musl-aarch64.so.1 is there, and no glibc");
    expect(detect({ "/etc/alpine-release": "3.20\n" }).libc).toBe("musl");
  });

  test("glibc's ldconfig beside musl's dynamic linker", () => {
    expect(detect({ "/lib/ld-musl-x86_64.so.1": "", "/sbin/ldconfig": program([debian12]) }).libc).toBe("glibc");
  });

  test("a cache's generator", () => {
    const { layout } = profileFor({
      glibc: "2.35",
      distribution: "ubuntu",
      architecture: "x86-64",
      packageVersion: "Ubuntu GLIBC 2.35-0ubuntu3",
    });
    const { libc, profile } = detect({ "/etc/ld.so.cache": writeCache(new EntryList(), [], layout) });
    expect([libc, profile.name]).toEqual(["glibc", `2.35 ubuntu ${profile.architecture}`]);
    expect(profile.layout.generator).toBe(layout.generator);
  });

  test.each(["", "no cache", "ld.so-1.7.0\0\xff\xff\xff\xff", "\0".repeat(100)])("no cache: %j", (content) => {
    expect(detect({ "/etc/ld.so.cache": Buffer.from(content, "latin1") }).libc).toBe("none");
  });

  test.each([
    ['ID=debian\nVERSION_ID="11"', "2.31 debian"],
    ['ID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"', "2.35 ubuntu"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"', "2.34 rhel"],
    ["ID=fedora\nVERSION_ID=40", "2.39 fedora"],
    ["ID='fedora'\nVERSION_ID=40", "2.39 fedora"],
    ["ID=constructor\nVERSION_ID=name", "2.43 upstream"],
    ["", "2.43 upstream"],
  ])("os-release %j", (content, name) => {
    const { libc, profile } = detect({ "/usr/lib/os-release": content });
    expect(libc).toBe("none");
    expect(profile.name.startsWith(name)).toBe(true);
  });
});

describe("real programs", () => {
  test("this machine's", (context) => {
    const path = ["/sbin/ldconfig.real", "/sbin/ldconfig"].find((candidate) => existsSync(candidate));
    if (path === undefined) return context.skip("needs ldconfig");
    const root = scratchDirectory();
    mkdirSync(join(root, "sbin"));
    copyFileSync(path, join(root, "sbin/ldconfig"));
    using open = KernelRoot.open(root);
    const { libc, profile } = detectProfile(open, log);
    expect([libc, profile.layout.generator.startsWith("ldconfig (")]).toEqual(["glibc", true]);
  });
});
