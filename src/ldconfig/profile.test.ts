import { describe, expect, test } from "vitest";
import { architectureOf, upstreamDirectories } from "./architecture.ts";
import { ARCHITECTURE_NAMES, architectureNamed, DISTRIBUTIONS } from "./names.ts";
import { HwcapFolders, legacyHwcaps } from "./legacy-hwcaps.ts";
import { minorOf, profileFor, type ProfileRequest } from "./profile.ts";

const of = (request: Partial<ProfileRequest>): ReturnType<typeof profileFor> =>
  profileFor({ glibc: "2.36", distribution: "upstream", architecture: "x86-64", ...request });

describe("releases", () => {
  /**
   * One letter per feature, upper case when it is on: new format, Endian byte, eXtensions, glibc-Hwcaps, Isa, Os version,
   * Legacy hwcaps, library Types, hwcap Conf lines, Dynamic linkers' names, temporary names (Z), soname cut (K), dangling
   * kept (G), string table Segment, First soname, interpreter falls through (P), note Alignment, ia64 (6 or -).
   */
  test.each([
    ["2.17", "nexhiOLTCdzkgsfpa6"],
    ["2.23", "nexhiOLTCdzkgsfpa6"],
    ["2.24", "nexhiOLTCdzkGsfpa6"],
    ["2.27", "nexhiOLTCdzkGsfpA6"],
    ["2.30", "nexhiOLTCdzkGsfpA6"],
    ["2.31", "nexhiOLTCdzkGSfpA6"],
    ["2.32", "NexhiOLTcdzkGSfpA6"],
    ["2.33", "NEXHIOLTcdzkGSfpA6"],
    ["2.34", "NEXHIOLTcDzkGSfpA6"],
    ["2.35", "NEXHIOLTcDzkGSfpA6"],
    ["2.36", "NEXHIoLTcDzkGSfpA6"],
    ["2.37", "NEXHIoltcDzKGSFPA6"],
    ["2.38", "NEXHIoltcDzkGSFPA6"],
    ["2.39", "NEXHIoltcDZkGSFpA-"],
    ["2.42", "NEXHIoltcDZkGSFpA-"],
    ["2.42.9000", "NEXHIoltcDZkGSFpA-"],
    ["2.99", "NEXHIoltcDZkGSFpA-"],
  ])("%s", (glibc, letters) => {
    const { features } = of({ glibc });
    const shown = [
      ["n", features.format === "new"],
      ["e", features.endianByte],
      ["x", features.extensions],
      ["h", features.hwcapsFolders],
      ["i", features.isa],
      ["o", features.osVersion],
      ["l", features.legacyHwcaps],
      ["t", features.libraryTypes],
      ["c", features.hwcapLines],
      ["d", features.loaderNames],
      ["z", features.temporaryNamesSkipped],
      ["k", features.implicitSonameCut],
      ["g", features.danglingKept],
      ["s", features.stringTableSegment],
      ["f", features.firstSonameOnly],
      ["p", features.interpreterFallsThrough],
      ["a", features.noteAlignment],
    ].map(([letter, on]) => (on === true ? String(letter).toUpperCase() : letter));
    expect(shown.join("") + (features.ia64 ? "6" : "-")).toBe(letters);
  });

  test("2.17 is the oldest", () => {
    expect(of({ glibc: "2.5" }).features).toEqual(of({ glibc: "2.17" }).features);
    expect([minorOf("2.36"), minorOf("2.42.9000"), minorOf("3.1"), minorOf("x")]).toEqual([36, 42, 17, 17]);
  });
});

describe("generator", () => {
  test.each([
    [{ glibc: "2.33" }, "ldconfig (GNU libc) release release version 2.33"],
    [{ glibc: "2.34" }, "ldconfig (GNU libc) stable release version 2.34"],
    [{ glibc: "2.42.9000" }, "ldconfig (GNU libc) development release version 2.42.9000"],
    [{ packageVersion: "Debian GLIBC 2.36-9" }, "ldconfig (Debian GLIBC 2.36-9) stable release version 2.36"],
    [{ generator: "exactly this" }, "exactly this"],
  ])("%j", (request, generator) => {
    expect(of(request).layout.generator).toBe(generator);
  });
});

describe("names of architectures", () => {
  test.each([
    ["amd64", "x86-64"],
    ["x86_64", "x86-64"],
    ["i386", "i386"],
    ["arm64", "aarch64"],
    ["armhf", "armhf"],
    ["armel", "armel"],
    ["ppc64el", "ppc64le"],
    ["s390x", "s390x"],
    ["mips64el", "mips64el"],
    ["riscv64", "riscv64"],
    ["loong64", "loongarch64"],
    ["x32", "x32"],
    ["constructor", undefined],
    ["sparc", undefined],
  ])("%s", (name, architecture) => {
    expect(architectureNamed(name)).toBe(architecture);
  });

  test("every release and distribution has a profile of every architecture", () => {
    for (const architecture of ARCHITECTURE_NAMES) {
      for (const distribution of DISTRIBUTIONS) {
        for (let minor = 17; minor <= 43; minor += 1) {
          const { layout, systemDirectories } = of({ architecture, distribution, glibc: `2.${minor}` });
          expect(layout.generator).toContain(`release version 2.${minor}`);
          expect(new Set(systemDirectories).size).toBe(systemDirectories.length);
          expect(systemDirectories.length).toBeGreaterThan(0);
        }
      }
    }
  });
});

test("Arch has one folder for libraries, SUSE those of upstream", () => {
  expect(of({ distribution: "arch" }).systemDirectories).toEqual(["/usr/lib", "/usr/lib64", "/usr/libx32"]);
  expect(of({ distribution: "suse" }).systemDirectories).toEqual(of({}).systemDirectories);
});

test("POWER's folders: capabilities before platforms of the same name", () => {
  const folders = new HwcapFolders(legacyHwcaps("powerpc", 36), new Map());
  expect(["altivec", "dfp", "power9", "power4", "tls"].every((name) => folders.descends(name))).toBe(true);
  expect(["vsx", "/", ""].some((name) => folders.descends(name))).toBe(false);
  expect(folders.bits("/lib64/power9")).toBe(1n << 46n);
  expect(folders.bits("/lib64/power4")).toBe(1n << 19n);
  expect(folders.bits("/opt//altivec")).toBe(1n << 28n);
});

describe("distributions", () => {
  test("Debian and Ubuntu: multiarch folders, the loader's links kept", () => {
    for (const distribution of ["debian", "ubuntu"] as const) {
      const { keepsLoaderLinks, systemDirectories } = of({ distribution });
      expect(keepsLoaderLinks).toBe(true);
      expect(systemDirectories).toEqual(["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"]);
    }
    expect(of({ distribution: "debian", architecture: "armhf" }).systemDirectories[0]).toBe("/lib/arm-linux-gnueabihf");
    expect(of({}).keepsLoaderLinks).toBe(false);
  });

  test.each([
    ["debian", "2.28", undefined, "compat", false, false],
    ["debian", "2.31", "Debian GLIBC 2.31-13+deb11u11", "new", true, false],
    ["debian", "2.31", "Debian GLIBC 2.31-6", "new", false, false],
    ["debian", "2.36", undefined, "new", true, true],
    ["ubuntu", "2.27", undefined, "compat", false, false],
    ["ubuntu", "2.31", "Ubuntu GLIBC 2.31-0ubuntu9.16", "new", false, false],
    ["ubuntu", "2.35", undefined, "new", true, true],
    ["rhel", "2.28", undefined, "new", true, true],
    ["rhel", "2.34", undefined, "new", true, true],
    ["upstream", "2.28", undefined, "compat", false, false],
    ["fedora", "2.32", undefined, "new", false, false],
  ] as const)("%s %s %s: %s", (distribution, glibc, packageVersion, format, endianByte, extensions) => {
    expect(of({ distribution, glibc, packageVersion }).layout).toMatchObject({ format, endianByte, extensions });
  });

  test("RHEL 8: glibc-hwcaps without the ISA level, and the kernel version still", () => {
    const { features } = of({ distribution: "rhel", glibc: "2.28" });
    expect(features).toMatchObject({ hwcapsFolders: true, isa: false, osVersion: true, hwcapLines: false });
    expect(features).toMatchObject({ legacyHwcaps: true, libraryTypes: true, loaderNames: false });
  });

  test("what was seen wins", () => {
    const { layout, features } = of({ distribution: "ubuntu", glibc: "2.31", observed: { endianByte: true } });
    expect([layout.endianByte, features.endianByte]).toEqual([true, true]);
    expect(of({ format: "compat" }).layout.format).toBe("compat");
    expect(of({ systemDirectories: ["/x"] }).systemDirectories).toEqual(["/x"]);
  });
});

describe("built-in folders of upstream's ldconfig", () => {
  test.each([
    ["x86-64", "2.36", "/lib /lib64 /libx32 /usr/lib /usr/lib64 /usr/libx32"],
    ["x32", "2.36", "/lib /lib64 /libx32 /usr/lib /usr/lib64 /usr/libx32"],
    ["i386", "2.36", "/lib /usr/lib"],
    ["aarch64", "2.24", "/lib /lib64 /usr/lib /usr/lib64"],
    ["aarch64", "2.36", "/lib /lib64 /libilp32 /usr/lib /usr/lib64 /usr/libilp32"],
    ["aarch64", "2.41", "/lib /lib64 /usr/lib /usr/lib64"],
    ["ppc64le", "2.36", "/lib64 /usr/lib64"],
    ["s390x", "2.36", "/lib64 /usr/lib64"],
    ["mips64el", "2.36", "/lib /lib32 /lib64 /usr/lib /usr/lib32 /usr/lib64"],
    ["riscv64", "2.32", "/lib /lib64/lp64d /lib64/lp64 /usr/lib /usr/lib64/lp64d /usr/lib64/lp64"],
    ["loongarch64", "2.36", "/lib64 /usr/lib64"],
    ["loongarch64", "2.38", "/lib /lib64 /lib64/sf /usr/lib /usr/lib64 /usr/lib64/sf"],
  ] as const)("%s %s", (architecture, glibc, directories) => {
    expect(of({ architecture, glibc }).systemDirectories.join(" ")).toBe(directories);
  });

  test("riscv64 since 2.33", () => {
    expect(of({ architecture: "riscv64" }).systemDirectories.slice(0, 5)).toEqual([
      "/lib",
      "/lib64/lp64d",
      "/lib64/lp64",
      "/lib32/ilp32d",
      "/lib32/ilp32",
    ]);
  });

  test("Arch Linux: both are /usr/lib", () => {
    expect(upstreamDirectories(["/usr/lib", "/usr/lib"], ["64", "x32"])).toEqual([
      "/usr/lib",
      "/usr/lib64",
      "/usr/libx32",
    ]);
  });
});

test("architectures by ELF header", () => {
  expect(architectureOf(62, 64, false, 0)).toBe("x86-64");
  expect(architectureOf(62, 32, false, 0)).toBe("x32");
  expect(architectureOf(3, 32, false, 0)).toBe("i386");
  expect(architectureOf(183, 64, false, 0)).toBe("aarch64");
  expect(architectureOf(40, 32, false, 0x5000400)).toBe("armhf");
  expect(architectureOf(40, 32, false, 0x5000200)).toBe("armel");
  expect(architectureOf(21, 64, true, 0)).toBe("ppc64");
  expect(architectureOf(21, 64, false, 0)).toBe("ppc64le");
  expect(architectureOf(2, 32, true, 0)).toBeUndefined();
});

describe("legacy hardware capabilities", () => {
  const folders = (family: string, minor: number, extra: [string, number][] = []): HwcapFolders =>
    new HwcapFolders(legacyHwcaps(family, minor), new Map(extra));

  test.each([
    ["x86", 36, "/opt/a", 0n],
    ["x86", 36, "/opt/a/haswell", 1n << 50n],
    ["x86", 36, "/opt/a/lib/tls/i686", (1n << 63n) | (1n << 49n)],
    ["x86", 36, "/opt/x/sse2", 1n],
    ["x86", 36, "/haswell/x", 0n],
    ["x86", 36, "haswell", 0n],
    ["x86", 36, "/avx512_1", 4n],
    ["x86", 26, "/avx512_1", 2n],
    ["x86", 25, "/cmov", 1n << 15n],
    ["x86", 25, "/i686", 1n << 51n],
    ["x86", 36, "/cmov", 0n],
    ["x86", 36, "/sse2/sse2", 2n],
    ["aarch64", 36, "/opt/fp", 1n],
    ["aarch64", 25, "/opt/fp", 0n],
    ["aarch64", 30, "/pacg", 1n << 31n],
    ["arm", 36, "/tls", 1n << 15n],
    ["s390", 36, "/z16", 1n << 42n],
    ["mips", 36, "/octeon", 4n],
    ["none", 36, "/tls", 1n << 63n],
  ])("%s 2.%i %s", (family, minor, path, bits) => {
    expect(folders(family, minor).bits(path)).toBe(bits);
  });

  test("which subfolders are scanned", () => {
    const x86 = folders("x86", 36);
    expect(["haswell", "sse2", "tls", "i586"].every((name) => x86.descends(name))).toBe(true);
    expect(["i386", "cmov", "fp", "", "toString"].some((name) => x86.descends(name))).toBe(false);
    expect([folders("x86", 25).descends("cmov"), folders("x86", 25).descends("sse2")]).toEqual([false, true]);
    expect([folders("aarch64", 27).descends("cpuid"), folders("aarch64", 28).descends("atomics")]).toEqual([
      true,
      true,
    ]);
  });

  test("names of the configuration number from bit 52 on x86", () => {
    const x86 = folders("x86", 31, [["foo", 0]]);
    expect([x86.descends("foo"), x86.bits("/opt/a/foo")]).toEqual([true, 0x0010_0000_0000_0000n]);
    expect(64 - legacyHwcaps("x86", 31).firstExtra).toBe(12);
    expect(folders("aarch64", 31, [["foo", 0]]).bits("/opt/a/foo")).toBe(1n << 32n);
  });
});
