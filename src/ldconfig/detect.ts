/**
 * Which ldconfig a root's caches were, or would be, written by. In this order, the first that answers:
 *
 * 1. the image's own ldconfig: it names itself in every cache it writes, so its name is in it;
 * 2. its libc.so.6, which has the same name in its banner: images without programs have that one only;
 * 3. musl's dynamic linker: then there is no cache;
 * 4. a cache that somebody else wrote, by the generator's name in it;
 * 5. os-release;
 * 6. the newest upstream release that is known, as a guess.
 *
 * docs/adr/0006-profile-detection.md has the reasons.
 */
import { FormatError } from "../errors.ts";
import { readCache } from "../ldcache/read.ts";
import type { Log } from "../logger.ts";
import { ELOOP, hostArchitecture } from "../rootfs/constants.ts";
import type { Directory } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { ARCHITECTURES, debianDirectories, upstreamDirectories, type Architecture } from "./architecture.ts";
import { ARCHITECTURE_NAMES } from "./names.ts";
import { glibcOf, isArch, isRhel8, isSuse, readOsRelease } from "./distribution.ts";
import { minorOf, NEWEST_KNOWN, profileFor, type Distribution, type Features, type Profile } from "./profile.ts";
import { readProgram } from "./program.ts";

export interface Detection {
  /** What to imitate; for a root without glibc, only a guess that serves for scanning libraries. */
  readonly profile: Profile;
  readonly libc: "glibc" | "musl" | "none";
  /** For a person, one line. */
  readonly why: string;
}

interface Place {
  readonly folder: string;
  readonly names: readonly string[];
}

/** On Ubuntu, `ldconfig` is a script that runs `ldconfig.real`. */
const LDCONFIGS: readonly Place[] = ["/sbin", "/usr/sbin"].map((folder) => ({
  folder,
  names: ["ldconfig.real", "ldconfig"],
}));

/** Where the C library is: of the architectures that hooks run on, then of the others. */
function libraryPlaces(): Place[] {
  return [
    ...multiarch(["x86-64", "aarch64"]),
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
    ...multiarch(ARCHITECTURE_NAMES.filter((name) => name !== "x86-64" && name !== "aarch64")),
    "/lib64/lp64d",
    "/libx32",
  ].map((folder) => ({ folder, names: ["libc.so.6"] }));
}

function multiarch(architectures: readonly Architecture[]): string[] {
  return architectures.flatMap((name) => [
    `/lib/${ARCHITECTURES[name].triplet}`,
    `/usr/lib/${ARCHITECTURES[name].triplet}`,
  ]);
}

const MUSL: readonly [string, Architecture][] = [
  ["/lib/ld-musl-x86_64.so.1", "x86-64"],
  ["/lib/ld-musl-aarch64.so.1", "aarch64"],
  ["/lib/ld-musl-i386.so.1", "i386"],
  ["/lib/ld-musl-armhf.so.1", "armhf"],
  ["/lib/ld-musl-arm.so.1", "armel"],
  ["/lib/ld-musl-powerpc64le.so.1", "ppc64le"],
  ["/lib/ld-musl-riscv64.so.1", "riscv64"],
  ["/lib/ld-musl-s390x.so.1", "s390x"],
  ["/lib/ld-musl-loongarch64.so.1", "loongarch64"],
];

/** A larger cache tells nothing. */
const CACHE_LIMIT = 16 << 20;

/** Finds out which ldconfig to imitate. Reads a few files of the root, and little of them. */
export function detectProfile(root: Root, log: Log): Detection {
  const program = search(root, LDCONFIGS, "ldconfig (", log);
  if (program?.banner !== undefined) return fromBanner(root, program, program.banner, program.text);
  const library = search(root, libraryPlaces(), "GNU C Library (", log);
  if (library?.banner !== undefined) return fromBanner(root, library, library.banner, program?.text ?? "");
  return fromMusl(root) ?? fromCache(root) ?? fromOsRelease(root);
}

/** What a program calls the glibc that it is of. */
interface Banner {
  /** `2.36` */
  readonly glibc: string;
  /** What stands in the parentheses: `Debian GLIBC 2.36-9+deb12u14`. */
  readonly packageVersion: string;
  /** The name under which its ldconfig goes in caches; undefined before 2.33, which wrote none. */
  readonly generator: string | undefined;
}

interface Found {
  readonly path: string;
  readonly architecture: Architecture;
  readonly banner: Banner | undefined;
  /** What was read of the program's strings. */
  readonly text: string;
}

/** The first of the programs that has a banner, or else the first that is a program at all. */
function search(root: Root, places: readonly Place[], start: string, log: Log): Found | undefined {
  let fallback: Found | undefined;
  for (const { folder, names } of places) {
    const opened = root.directory(folder);
    if (typeof opened === "number") continue;
    using directory = opened;
    for (const name of names) {
      const found = examine(root, directory, name, `${folder}/${name}`, start, log);
      if (found?.banner !== undefined) return found;
      fallback ??= found;
    }
  }
  return fallback;
}

function examine(
  root: Root,
  directory: Directory,
  name: string,
  path: string,
  start: string,
  log: Log,
): Found | undefined {
  let opened = directory.open(name);
  if (opened === -ELOOP) opened = root.open(path);
  if (typeof opened === "number") return undefined;
  using file = opened;
  const program = readProgram(file);
  if (program?.architecture === undefined) {
    if (log.debugging) log.debug(`${path}: no program of a known architecture`);
    return undefined;
  }
  return { path, architecture: program.architecture, ...findBanner(program.windows, start) };
}

const RELEASE_VERSION = " release version ";
const BANNER = /^(?:ldconfig|GNU C Library) \((.*)\) ([a-z]+) release version (2\.[0-9]{1,4}(?:\.[0-9]{1,6})?)\.?$/s;
/** How far into the strings of ldconfig itself a generator's name may stand, with a wide margin. */
const NEAR = 128 << 10;
/** No banner is longer. */
const BANNER_LIMIT = 256;

/**
 * Searches a program's strings for its banner. A generator's name is all that a profile wants; in ldconfig before 2.33,
 * which has none, Debian's and Ubuntu's package version serves.
 */
function findBanner(windows: Iterable<string>, start: string): Pick<Found, "banner" | "text"> {
  let text = "";
  let packaged: Banner | undefined;
  let isNear = false;
  for (const window of windows) {
    text += window;
    for (let at = window.indexOf(RELEASE_VERSION); at !== -1; at = window.indexOf(RELEASE_VERSION, at + 1)) {
      const banner = bannerAt(window, at, start);
      if (banner !== undefined) return { banner, text };
    }
    if (packaged === undefined && start === "ldconfig (") packaged = packageIn(window);
    // Debian's and Ubuntu's since 2.33 have a generator's name somewhere, older ones have none.
    if (packaged !== undefined && minorOf(packaged.glibc) < 33) break;
    // ldconfig's own strings stand together: where this one is, a generator's name would be near.
    isNear ||= window.indexOf("(GNU libc) \0") !== -1;
    if (isNear && text.length > NEAR) break;
  }
  return { banner: packaged, text };
}

function bannerAt(window: string, at: number, start: string): Banner | undefined {
  // Not looked for in all that is before it: an image may have a hundred thousand of these places.
  const before = window.slice(Math.max(0, at - BANNER_LIMIT), at);
  const from = before.lastIndexOf(start);
  const tail = window.slice(at, at + 40);
  const end = from === -1 ? -1 : tail.search(/[\0\n]/);
  if (end === -1) return undefined;
  const [, packageVersion, word, glibc] = BANNER.exec(before.slice(from) + tail.slice(0, end)) ?? [];
  if (packageVersion === undefined || word === undefined || glibc === undefined) return undefined;
  const hasGenerator = start === "ldconfig (" || minorOf(glibc) >= 33;
  const generator = hasGenerator ? `ldconfig (${packageVersion}) ${word} release version ${glibc}` : undefined;
  return { glibc, packageVersion, generator };
}

/** `(Debian GLIBC 2.31-13+deb11u11) ` or Ubuntu's, as ldconfig's `--version` prints it. */
function packageIn(window: string): Banner | undefined {
  const name = window.indexOf(" GLIBC 2.");
  const from = window.lastIndexOf("(", name);
  if (name === -1 || name - from > 20) return undefined;
  const text = window.slice(from + 1, window.indexOf(") \0", from));
  const glibc = /^(?:Debian|Ubuntu) GLIBC (2\.[0-9]{1,4})-[^()\0]{1,100}$/.exec(text)?.[1];
  return glibc === undefined ? undefined : { glibc, packageVersion: text, generator: undefined };
}

/** `text`: what was read of ldconfig itself, which tells what a version number leaves open. */
function fromBanner(root: Root, { path, architecture }: Found, banner: Banner, text: string): Detection {
  const { glibc, packageVersion, generator } = banner;
  const minor = minorOf(glibc);
  const vendor = vendorOf(root, banner, architecture, text);
  const profile = profileFor({
    glibc,
    architecture,
    packageVersion,
    generator,
    observed: minor < 33 && generator === undefined ? observedIn(text) : {},
    ...vendor,
  });
  const name = generator ?? `${packageVersion}, glibc ${glibc}`;
  const newer = minor > NEWEST_KNOWN ? `, newer than 2.${NEWEST_KNOWN}, the newest known` : "";
  return { profile, libc: "glibc", why: `${path} is of "${name}", ${architecture}${newer}` };
}

interface Vendor {
  readonly distribution: Distribution;
  readonly systemDirectories?: readonly string[];
  readonly keepsLoaderLinks?: boolean;
}

function vendorOf(root: Root, banner: Banner, architecture: Architecture, text: string): Vendor {
  const { glibc, packageVersion, generator } = banner;
  if (packageVersion.startsWith("Debian GLIBC ")) return { distribution: "debian" };
  if (packageVersion.startsWith("Ubuntu GLIBC ")) return { distribution: "ubuntu" };
  const { suffixes, triplet } = ARCHITECTURES[architecture];
  // Wolfi and Chainguard: `glibc-2.41-r53`.
  if (packageVersion.startsWith("glibc-")) {
    return { distribution: "upstream", systemDirectories: upstreamDirectories(["/usr/lib"], suffixes) };
  }
  if (packageVersion === "GNU libc") {
    const release = readOsRelease(root);
    const isBackport = minorOf(glibc) === 28 && (generator !== undefined || isRhel8(release));
    if (isBackport) return { distribution: "rhel" };
    return { distribution: isArch(release) ? "arch" : isSuse(release) ? "suse" : "upstream" };
  }
  const isDebianLike = text.includes(`/lib/${triplet}/\0`);
  return {
    distribution: "upstream",
    ...(isDebianLike ? { systemDirectories: debianDirectories(triplet) } : {}),
    keepsLoaderLinks: text.includes("is the dynamic linker, ignoring"),
  };
}

/** What distributions changed before 2.33, as far as the strings of their ldconfig show it. */
function observedIn(text: string): Partial<Features> {
  return {
    ...(text.includes("new (default)") ? { format: "new" } : {}),
    ...(text.includes("compat (default)") ? { format: "compat" } : {}),
    ...(text === "" ? {} : { endianByte: text.includes("wrong endianness") }),
  };
}

function fromMusl(root: Root): Detection | undefined {
  for (const [path, architecture] of MUSL) {
    if (typeof root.lstat(path) === "number") continue;
    return { profile: newest(architecture), libc: "musl", why: `${path} is there, and no glibc` };
  }
  if (typeof root.lstat("/etc/alpine-release") === "number") return undefined;
  return { profile: newest(), libc: "musl", why: "/etc/alpine-release is there, and no glibc" };
}

function fromCache(root: Root): Detection | undefined {
  const bytes = root.read("/etc/ld.so.cache", CACHE_LIMIT);
  if (typeof bytes === "number") return undefined;
  try {
    const { generator = "" } = readCache(bytes);
    const banner = bannerAt(`${generator}\0`, generator.indexOf(RELEASE_VERSION), "ldconfig (");
    if (banner === undefined) return undefined;
    // What an earlier run wrote by os-release is no further evidence: the next run must not come to another conclusion.
    if (generator === fromOsRelease(root).profile.layout.generator) return undefined;
    const found: Found = { path: "/etc/ld.so.cache", architecture: ownArchitecture(), banner, text: "" };
    return fromBanner(root, found, banner, "");
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}

function fromOsRelease(root: Root): Detection {
  const known = glibcOf(readOsRelease(root));
  if (known === undefined) {
    return { profile: newest(), libc: "none", why: "nothing of glibc is there: a guess" };
  }
  const { distribution, glibc } = known;
  const profile = profileFor({ glibc, distribution, architecture: ownArchitecture() });
  return { profile, libc: "none", why: `nothing of glibc is there; os-release is of ${distribution} with ${glibc}` };
}

/** For roots that hold nothing to tell it by. */
function newest(architecture = ownArchitecture()): Profile {
  return profileFor({ glibc: `2.${NEWEST_KNOWN}`, distribution: "upstream", architecture });
}

function ownArchitecture(): Architecture {
  return hostArchitecture === "arm64" ? "aarch64" : hostArchitecture;
}
