/**
 * Which ldconfig is imitated. A profile is a set of named features: what one release of glibc, as one distribution built
 * it for one architecture, does differently from another. The releases are told in RELEASES, from 2.17 on, as what each
 * of them changed (glibc's git history of elf/ldconfig.c, elf/cache.c and elf/readlib.c); the distributions in `profileFor`.
 */
import type { LibraryRules } from "../elf/library.ts";
import type { CacheLayout } from "../ldcache/write.ts";
import { ARCHITECTURES, debianDirectories, upstreamDirectories, type Architecture } from "./architecture.ts";
import type { ConfigurationRules } from "./configuration.ts";
import { legacyHwcaps, type LegacyHwcaps } from "./legacy-hwcaps.ts";
import type { Distribution } from "./names.ts";

export type { Distribution } from "./names.ts";

/** What a release of glibc's ldconfig does. */
export interface Features {
  /** The cache's format when nobody asks for one. */
  readonly format: "compat" | "new";
  /** The header names the byte order. */
  readonly endianByte: boolean;
  /** Strings share their tails, and an extension area with the generator's name follows them. */
  readonly extensions: boolean;
  /** `glibc-hwcaps/NAME` subfolders are scanned. */
  readonly hwcapsFolders: boolean;
  /** x86: the ISA level of libraries in glibc-hwcaps folders is recorded. */
  readonly isa: boolean;
  /** The kernel version of the ABI note is recorded, and sorted on. */
  readonly osVersion: boolean;
  /** `haswell`, `tls` and the like are scanned, their entries carry capability bits. */
  readonly legacyHwcaps: boolean;
  /** libc5 and libc6 are told apart by DT_NEEDED and PT_INTERP, and `DIR=TYPE` is understood in ld.so.conf. */
  readonly libraryTypes: boolean;
  /** `hwcap N NAME` lines name legacy folders; later they are ignored. */
  readonly hwcapLines: boolean;
  /** `ld.so.*` and `ld64.so.*` are candidates, besides `lib*` and `ld-*`. */
  readonly loaderNames: boolean;
  /** The temporary names of rpm and dpkg are skipped. */
  readonly temporaryNamesSkipped: boolean;
  /** 2.37's bug: a library without a soname gets its file name up to the first number as one. */
  readonly implicitSonameCut: boolean;
  /** Dangling links stay when links are not to be touched. */
  readonly danglingKept: boolean;
  /** DT_STRTAB is looked up in the segment that holds it, not in the first one. */
  readonly stringTableSegment: boolean;
  /** The first DT_SONAME counts, not the last. */
  readonly firstSonameOnly: boolean;
  /** PT_INTERP is looked through for x86 properties, by accident. */
  readonly interpreterFallsThrough: boolean;
  /** Notes may be aligned to 8, and only to 4 or 8; earlier the alignment is taken for 4. */
  readonly noteAlignment: boolean;
  /** ARM: soft-float libraries have a flag of their own, unmarked ones are plain. */
  readonly armFloatFlags: boolean;
  /** MIPS: NaN 2008 libraries have flags of their own. */
  readonly mipsNan2008: boolean;
  /** LoongArch: the float ABI is told in the flags, and checked. */
  readonly loongarchFloatFlags: boolean;
  /** i386: ia64 libraries are accepted. */
  readonly ia64: boolean;
  /** The word before `release version` in the generator's name. */
  readonly releaseWord: string;
}

const GLIBC_2_17: Features = {
  format: "compat",
  endianByte: false,
  extensions: false,
  hwcapsFolders: false,
  isa: false,
  osVersion: true,
  legacyHwcaps: true,
  libraryTypes: true,
  hwcapLines: true,
  loaderNames: false,
  temporaryNamesSkipped: false,
  implicitSonameCut: false,
  danglingKept: false,
  stringTableSegment: false,
  firstSonameOnly: false,
  interpreterFallsThrough: false,
  noteAlignment: false,
  armFloatFlags: false,
  mipsNan2008: false,
  loongarchFloatFlags: false,
  ia64: true,
  releaseWord: "stable",
};

/** What glibc 2.`since` changed. Releases that are not named changed nothing that shows in a cache or in links. */
const RELEASES: readonly { readonly since: number; readonly changes: Partial<Features> }[] = [
  { since: 18, changes: { armFloatFlags: true } },
  { since: 19, changes: { mipsNan2008: true } },
  { since: 24, changes: { danglingKept: true } },
  { since: 27, changes: { noteAlignment: true } },
  { since: 31, changes: { stringTableSegment: true } },
  { since: 32, changes: { format: "new", hwcapLines: false } },
  {
    since: 33,
    changes: { endianByte: true, extensions: true, hwcapsFolders: true, isa: true, releaseWord: "release" },
  },
  { since: 34, changes: { loaderNames: true, releaseWord: "stable" } },
  { since: 36, changes: { osVersion: false } },
  {
    since: 37,
    changes: {
      legacyHwcaps: false,
      libraryTypes: false,
      firstSonameOnly: true,
      implicitSonameCut: true,
      interpreterFallsThrough: true,
    },
  },
  { since: 38, changes: { implicitSonameCut: false, loongarchFloatFlags: true } },
  { since: 39, changes: { temporaryNamesSkipped: true, interpreterFallsThrough: false, ia64: false } },
];

/** The newest release whose ldconfig was compared with ours. */
export const NEWEST_KNOWN = 43;
/** The newest state of glibc's development that was. */
export const HEAD = "2.42.9000";

/** Debian's ldconfig writes the new format since 2.29, and the endian byte since this revision of 2.31. */
const DEBIAN_NEW_FORMAT: Partial<Features> = { format: "new" };
const DEBIAN_2_31_7: Partial<Features> = { endianByte: true };

/**
 * RHEL 8.4 and its kin took from 2.33 the extensions and glibc-hwcaps into their 2.28 (patch set rh1817513), without the
 * ISA level.
 */
const RHEL_8_4: Partial<Features> = {
  format: "new",
  endianByte: true,
  extensions: true,
  hwcapsFolders: true,
  hwcapLines: false,
  stringTableSegment: true,
};

/** Arch Linux configures glibc with one directory for both. */
const ARCH_DIRECTORIES = ["/usr/lib"];

export interface ProfileRequest {
  /** `2.36`; `2.42.9000` is the development version towards 2.43. Older than 2.17 is taken for 2.17. */
  readonly glibc: string;
  readonly distribution: Distribution;
  readonly architecture: Architecture;
  /** What stands in the parentheses of the generator's name; `GNU libc` unless told: `Debian GLIBC 2.36-9+deb12u14`. */
  readonly packageVersion?: string | undefined;
  /** The generator's exact name, where it is known. */
  readonly generator?: string | undefined;
  /** A format other than the default. */
  readonly format?: "old" | "compat" | "new" | undefined;
  /** Features that were seen in the program itself; they win over the table. */
  readonly observed?: Partial<Features> | undefined;
  /** Built-in folders that were seen in the program itself. */
  readonly systemDirectories?: readonly string[] | undefined;
  /** Debian's rule of 3.9, where it was seen in the program itself. */
  readonly keepsLoaderLinks?: boolean | undefined;
}

/** Everything that has to be known about the ldconfig that is imitated. */
export interface Profile {
  /** For people: `2.36 debian x86-64`. */
  readonly name: string;
  readonly glibc: string;
  readonly architecture: Architecture;
  readonly features: Features;
  /** Scanned last, in this order. */
  readonly systemDirectories: readonly string[];
  /** Debian and Ubuntu leave the dynamic linker's own link alone. */
  readonly keepsLoaderLinks: boolean;
  readonly legacyHwcaps: LegacyHwcaps | undefined;
  readonly configuration: ConfigurationRules;
  readonly library: LibraryRules;
  readonly layout: CacheLayout;
}

/** The profile of one release, as one distribution built it for one architecture. */
export function profileFor(request: ProfileRequest): Profile {
  const { glibc, distribution, architecture } = request;
  const minor = minorOf(glibc);
  const debianLike = distribution === "debian" || distribution === "ubuntu";
  const packageVersion = request.packageVersion ?? "GNU libc";
  const features: Features = {
    ...releaseFeatures(minor),
    ...(debianLike && minor >= 29 ? DEBIAN_NEW_FORMAT : {}),
    ...(distribution === "debian" && minor === 31 && debianRevision(packageVersion) >= 7 ? DEBIAN_2_31_7 : {}),
    ...(distribution === "rhel" && minor === 28 ? RHEL_8_4 : {}),
    ...(glibc.split(".").length > 2 ? { releaseWord: "development" } : {}),
    ...request.observed,
  };
  const facts = ARCHITECTURES[architecture];
  const format = request.format ?? features.format;
  const legacy = features.legacyHwcaps ? legacyHwcaps(facts.legacyFamily, minor) : undefined;
  return {
    name: `${glibc} ${distribution} ${architecture}`,
    glibc,
    architecture,
    features,
    systemDirectories:
      request.systemDirectories ??
      (debianLike
        ? debianDirectories(facts.triplet)
        : upstreamDirectories(
            distribution === "arch" ? ARCH_DIRECTORIES : facts.libraryDirectories,
            suffixesOf(architecture, minor),
          )),
    keepsLoaderLinks: request.keepsLoaderLinks ?? debianLike,
    legacyHwcaps: legacy,
    configuration: {
      libraryTypes: features.libraryTypes,
      hwcapLines: features.hwcapLines,
      hwcapCount: legacy === undefined ? 0 : 64 - legacy.firstExtra,
    },
    library: { machine: architecture, ...features },
    layout: {
      format,
      bigEndian: facts.bigEndian,
      endianByte: features.endianByte,
      extensions: features.extensions,
      generator: request.generator ?? `ldconfig (${packageVersion}) ${features.releaseWord} release version ${glibc}`,
      align: facts.align,
      charSigned: facts.charSigned,
      osVersionSorted: features.osVersion,
      legacySorted: features.legacyHwcaps,
    },
  };
}

/** The x in `2.x`, or 17 when that is larger or the text is no such version. */
export function minorOf(glibc: string): number {
  const minor = /^2\.(\d{1,4})(?:\.|$)/.exec(glibc)?.[1];
  return minor === undefined ? 17 : Math.max(17, Number(minor));
}

function releaseFeatures(minor: number): Features {
  const features = { ...GLIBC_2_17 };
  for (const release of RELEASES) if (release.since <= minor) Object.assign(features, release.changes);
  return features;
}

/** The 13 of `Debian GLIBC 2.31-13+deb11u11`; 0 when there is none. */
function debianRevision(packageVersion: string): number {
  return Number(/ 2\.\d+-(\d+)/.exec(packageVersion)?.[1] ?? 0);
}

function suffixesOf(architecture: Architecture, minor: number): readonly string[] {
  const { suffixes } = ARCHITECTURES[architecture];
  if (architecture === "aarch64" && minor >= 25 && minor <= 40) return [...suffixes, "ilp32"];
  if (architecture === "riscv64" && minor < 33) return suffixes.filter((suffix) => suffix.startsWith("64"));
  if (architecture === "loongarch64" && minor < 38) return [];
  return suffixes;
}
