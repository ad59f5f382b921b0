/** What /etc/os-release tells of a root (os-release(5)): used where no program of glibc tells more. */
import { toText } from "../bytes/text.ts";
import type { Root } from "../rootfs/root.ts";
import type { Distribution } from "./profile.ts";

/** A larger os-release is not read. */
const SIZE_LIMIT = 64 << 10;

export interface OsRelease {
  /** `debian`, `rhel`, …; empty when unknown. */
  readonly id: string;
  /** What it is derived from, closest first. */
  readonly like: readonly string[];
  /** `12`, `22.04`; empty when it has none. */
  readonly version: string;
}

export function readOsRelease(root: Root): OsRelease {
  let bytes = root.read("/etc/os-release", SIZE_LIMIT);
  if (typeof bytes === "number") bytes = root.read("/usr/lib/os-release", SIZE_LIMIT);
  const text = typeof bytes === "number" ? "" : `\n${toText(bytes)}`;
  return { id: value(text, "ID"), like: value(text, "ID_LIKE").split(" "), version: value(text, "VERSION_ID") };
}

/** The value of a variable, without quotes. */
function value(text: string, name: string): string {
  const start = text.indexOf(`\n${name}=`);
  if (start === -1) return "";
  const from = start + name.length + 2;
  const end = text.indexOf("\n", from);
  const line = text.slice(from, end === -1 ? text.length : end).trim();
  return /^(["']?)([A-Za-z0-9._ -]*)\1$/.exec(line)?.[2] ?? "";
}

/** Whether the root is of Red Hat Enterprise Linux 8, or of a distribution that rebuilds it. */
export function isRhel8({ id, like, version }: OsRelease): boolean {
  return /^8(?:\.|$)/.test(version) && (id === "rhel" || like.includes("rhel") || like.includes("centos"));
}

/** Arch Linux and what is made of it configure glibc with `/usr/lib` for both of its library directories. */
export function isArch({ id, like }: OsRelease): boolean {
  return id === "arch" || like.includes("arch");
}

/** openSUSE, SUSE Linux Enterprise and their kin. */
export function isSuse({ id, like }: OsRelease): boolean {
  return id.includes("suse") || like.includes("suse");
}

/** Leap and SUSE Linux Enterprise have the same glibc. */
const SUSE = {
  "12": "2.22",
  "15.0": "2.26",
  "15.1": "2.26",
  "15.2": "2.26",
  "15.3": "2.31",
  "15.4": "2.31",
  "15.5": "2.31",
  "15.6": "2.38",
  "15.7": "2.38",
};

const RELEASES: Readonly<Record<string, readonly [Distribution, Readonly<Record<string, string>>]>> = {
  debian: ["debian", { "10": "2.28", "11": "2.31", "12": "2.36", "13": "2.41" }],
  ubuntu: [
    "ubuntu",
    {
      "18.04": "2.27",
      "20.04": "2.31",
      "22.04": "2.35",
      "24.04": "2.39",
      "24.10": "2.40",
      "25.04": "2.41",
      "25.10": "2.42",
    },
  ],
  amzn: ["fedora", { "2": "2.26", "2023": "2.34" }],
  suse: ["suse", SUSE],
  rhel: ["rhel", { "7": "2.17", "8": "2.28", "9": "2.34", "10": "2.39" }],
  fedora: [
    "fedora",
    {
      "33": "2.32",
      "34": "2.33",
      "35": "2.34",
      "36": "2.35",
      "37": "2.36",
      "38": "2.37",
      "39": "2.38",
      "40": "2.39",
      "41": "2.40",
      "42": "2.41",
      "43": "2.42",
    },
  ],
};

/** The glibc that such a release ships, or undefined. */
export function glibcOf({ id, like, version }: OsRelease): { distribution: Distribution; glibc: string } | undefined {
  for (const name of [id, ...like]) {
    const row = Object.hasOwn(RELEASES, name) ? RELEASES[name] : undefined;
    const glibc = row?.[1][version] ?? row?.[1][version.split(".")[0] ?? ""];
    if (row !== undefined && glibc !== undefined) return { distribution: row[0], glibc };
  }
  return undefined;
}
