import type { CompatNote } from "./cuda-compat-note.ts";
import { compareNumbers, compareVersions, parseVersion } from "./cuda-compat-version.ts";

/** What is known of the image's compatibility libraries and of the host. */
export interface CompatFacts {
  /** The library's version by its file name. */
  readonly compat: string;
  /** What the library says itself; undefined when it says nothing. */
  readonly note: CompatNote | undefined;
  /** The driver's version; empty when it was not given. */
  readonly hostDriver: string;
  /** The CUDA version of the driver; empty when it was not given. */
  readonly hostCuda: string;
}

/** Whether the compatibility libraries are to be used, and why. */
export interface CompatDecision {
  readonly use: boolean;
  readonly why: string;
}

/**
 * The rule of NVIDIA's hook (v1.20). With a note: by the list of drivers that it names, and by the versions, when both are
 * known; else by the CUDA versions. Without one: by the major versions, unless the host's CUDA version was given.
 */
export function decideCompat({ compat, note, hostDriver, hostCuda }: CompatFacts): CompatDecision {
  const ours = parseVersion(compat);
  const host = parseVersion(hostDriver);
  if (note === undefined) {
    if (hostCuda !== "") return no("they do not say which CUDA version they have");
    if (ours === undefined || host === undefined) return no("a version is no version");
    const newer = compareNumbers(ours.major, host.major) > 0;
    return { use: newer, why: `their major version is ${newer ? "" : "not "}above the driver's ${hostDriver}` };
  }
  if (ours !== undefined && host !== undefined) {
    if (!note.drivers.includes(host.major)) return no(`they are not made for driver ${hostDriver}`);
    const newer = compareVersions(ours, host) > 0;
    return { use: newer, why: `they are ${newer ? "" : "not "}newer than driver ${hostDriver}` };
  }
  const ownCuda = parseVersion(note.cuda);
  const driverCuda = parseVersion(hostCuda);
  if (ownCuda === undefined || driverCuda === undefined) return no("a version is no version");
  const newer = compareVersions(ownCuda, driverCuda) > 0;
  return { use: newer, why: `CUDA ${note.cuda} is ${newer ? "" : "not "}newer than the driver's ${hostCuda}` };
}

function no(why: string): CompatDecision {
  return { use: false, why };
}
