/** Images that a person names, as a part of their own: archives, layouts, and programs that unpack them. */
import { HookError } from "../errors.ts";
import { HostBytes } from "../host/host-bytes.ts";
import { openErofsRoot } from "../image/erofs-root.ts";
import type { Image } from "../image/image.ts";
import { openImage } from "../image/open.ts";
import type { VirtualRoot } from "../rootfs/virtual-root.ts";
import { Progress } from "./progress.ts";

declare const environment: (name: string) => string | undefined;

/** Where what is unpacked is kept, unless TMPDIR says otherwise: /tmp may be memory. */
const TEMPORARY_FOLDER = "/var/tmp";
/** The last second of the year 9999. */
const LAST_SECOND = 253_402_300_799;

/** A layout with the platform that is meant. */
const PLATFORM = /^(oci:.*)@([a-z0-9]+(?:\/[a-z0-9_]+){1,2})$/s;

/** Opens `oci:DIR[:TAG]`, `tar:FILE` or a file's path, with `@OS/ARCHITECTURE[/VARIANT]` behind the first. Throws HookError. */
export function openImageByName(text: string, complain?: (message: string) => void): Image {
  const [, name = text, platform] = PLATFORM.exec(text) ?? [];
  const folder = environment("TMPDIR") ?? "";
  const temporaryFolder = folder === "" ? TEMPORARY_FOLDER : folder;
  using shown = new Progress("archives");
  const progress = (done: number, total: number, archive: string): void => shown.step(done, total, archive);
  return openImage(name, { temporaryFolder, platform, time: sourceDateEpoch(), complain, progress });
}

/**
 * Opens the EROFS image that a config.json names. It may be the container's image that says so, and nothing else is opened
 * for it: to unpack an archive takes programs, and room on the disk. Throws HookError `root`.
 */
export function openErofsByPath(path: string, complain: (message: string) => void): VirtualRoot {
  return openErofsRoot(HostBytes.open(path, "root"), { changeable: true, complain });
}

/** SOURCE_DATE_EPOCH (reproducible-builds.org/specs/source-date-epoch). Throws HookError `usage` for what is no time. */
function sourceDateEpoch(): number | undefined {
  const text = environment("SOURCE_DATE_EPOCH");
  if (text === undefined || text === "") return undefined;
  const time = /^\d{1,12}$/.test(text) ? Number(text) : LAST_SECOND + 1;
  if (time > LAST_SECOND)
    throw new HookError("usage", "read", "SOURCE_DATE_EPOCH", "not a number of seconds since 1970");
  return time;
}
