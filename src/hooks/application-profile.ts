import { fromText, sameBytes } from "../bytes/text.ts";
import type { Log } from "../logger.ts";
import { ENOENT, S_IFREG, describeErrno } from "../rootfs/constants.ts";
import type { Root } from "../rootfs/root.ts";
import type { HookCall } from "./hook.ts";

/** Where the driver looks for profiles; it reads the folder in the order of the names. */
const folder = "/etc/nvidia/nvidia-application-profiles-rc.d";
export const profilePath = `${folder}/10-container.conf`;
const folderMode = 0o555;
const profileMode = 0o444;

/** The driver's major number, which Linux reserves for it (admin-guide/devices.txt, 195 char): the host needs not be asked. */
const nvidiaMajor = 195;
const deviceName = /^nvidia[0-9]+$/;
/** Bits of the mask. */
const mostMinors = 64;

/** Names of /dev that are looked at. */
const mostNames = 100_000;
/** Bytes of a profile that is compared with what should be there. */
const largestProfile = 4096;

/**
 * Writes the profile that makes the GPUs of the container's `/dev/nvidia<N>` visible, by their minor numbers. What is not a
 * character device of the driver does not count; without any, nothing is done. Throws HookError.
 */
export function updateProfile({ log, root }: HookCall): void {
  const container = root();
  const minors = nvidiaMinors(container, log);
  if (minors.length === 0) {
    log.debug("no device of the driver in /dev: nothing to do");
    return;
  }
  writeProfile(container, fromText(profileFor(minors)), log);
}

/** The content of the profile, byte for byte as NVIDIA's hook writes it: the mask's number is hexadecimal, not JSON. */
export function profileFor(minors: readonly number[]): string {
  const settings = `["EGLVisibleDGPUDevices",0x${maskOf(minors)}]`;
  return `{"profiles":[{"name":"_container_","settings":${settings}}],"rules":[{"pattern":[],"profile":"_container_"}]}`;
}

/** In two halves: numbers have 53 bits, and the engine's BigInt writes 2^63 with a zero too much. */
function maskOf(minors: readonly number[]): string {
  const half = (from: number): number =>
    minors.reduce((bits, minor) => (minor >> 5 === from ? bits | (1 << (minor & 31)) : bits), 0) >>> 0;
  const [high, low] = [half(1).toString(16), half(0).toString(16)];
  return high === "0" ? low : high + low.padStart(8, "0");
}

/** Each below 64. */
function nvidiaMinors(root: Root, log: Log): number[] {
  const opened = root.directory("/dev");
  if (typeof opened === "number") {
    log.debug(`/dev: ${describeErrno(opened)}`);
    return [];
  }
  using devices = opened;
  const minors: number[] = [];
  for (const name of devices.list(mostNames).names) {
    const device = name.startsWith("nvidia") && deviceName.test(name) ? devices.characterDevice(name) : undefined;
    if (device === undefined) continue;
    const { major, minor } = device;
    if (major !== nvidiaMajor) log.debug(`/dev/${name}: major number ${major} is not the driver's`);
    else if (minor < mostMinors) minors.push(minor);
    else log.warn(`/dev/${name}: minor number ${minor} has no place in the mask of visible GPUs`);
  }
  return minors;
}

function writeProfile(root: Root, profile: Uint8Array, log: Log): void {
  if (isWritten(root, profile)) {
    log.debug(`${profilePath}: unchanged`);
    return;
  }
  const made = ["/etc/nvidia", folder].filter((path) => root.lstat(path) === -ENOENT);
  root.replaceFile(profilePath, profile, profileMode);
  for (const path of made) root.setMode(path, folderMode);
  log.debug(`${profilePath}: written`);
}

function isWritten(root: Root, profile: Uint8Array): boolean {
  const facts = root.lstat(profilePath);
  if (typeof facts === "number" || facts.type !== S_IFREG || facts.mode !== profileMode) return false;
  const content = root.read(profilePath, largestProfile);
  return typeof content === "object" && sameBytes(content, profile);
}
