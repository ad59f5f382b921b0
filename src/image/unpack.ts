/** Archives as they come: plain, or packed by a program that unpacks them as well. */
import { toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { HostBytes } from "../host/host-bytes.ts";
import { findProgram, runProgram } from "../host/program.ts";
import { Spool } from "../host/spool.ts";
import { LARGEST_UNPACKED, SMALLEST_UNPACKED_LIMIT, UNPACKED_RATIO, UNPACKING_SECONDS } from "./limits.ts";

const SIGXFSZ = 25;

/** How a packed file begins, and who unpacks it. */
const PACKERS = [
  { magic: "\x1f\x8b", names: ["gzip", "pigz"], words: ["-d", "-c"] },
  { magic: "\x28\xb5\x2f\xfd", names: ["zstd"], words: ["-d", "-c", "-q"] },
  { magic: "\xfd7zXZ\0", names: ["xz"], words: ["-d", "-c"] },
  { magic: "BZh", names: ["bzip2"], words: ["-d", "-c"] },
] as const;

/** What the archives of one image may unpack to, all together: its author can name one of them any number of times. */
export class Allowance {
  #packed = 0;
  #unpacked = 0;

  /** For an archive of `packed` bytes more: all that is allowed now, and what is left of it. */
  take(packed: number): { readonly limit: number; readonly left: number } {
    this.#packed += packed;
    const limit = Math.min(Math.max(SMALLEST_UNPACKED_LIMIT, UNPACKED_RATIO * this.#packed), LARGEST_UNPACKED);
    return { limit, left: Math.max(limit - this.#unpacked, 0) };
  }

  use(size: number): void {
    this.#unpacked += size;
  }
}

/**
 * The archive in a file: itself when it is not packed, else what the machine's program makes of it, in a file without a
 * name in `folder`. The given file is closed in that case. Throws HookError `program` when the program is missing or
 * fails, `limit` when too much comes out. `isKnown` says that the same file was unpacked before.
 */
export function unpacked(
  file: HostBytes,
  folder: string,
  allowance: Allowance,
  tick?: () => void,
  isKnown = false,
): HostBytes {
  const packer = PACKERS.find(({ magic }) => toText(file.read(0, magic.length)) === magic);
  if (packer === undefined) return file;
  using packed = file;
  const path = packer.names.map((name) => findProgram(name)).find((found) => found !== undefined);
  if (path === undefined) {
    const names = packer.names.join(" or ");
    throw new HookError("program", "unpack", file.path, `needs the program ${names}, which is not on this machine`);
  }
  const { limit, left } = allowance.take(isKnown ? 0 : file.size);
  using spool = new Spool(folder);
  packed.rewind();
  const { status, signal, stderr } = runProgram(path, packer.words, {
    stdin: packed.descriptor,
    stdout: spool.descriptor,
    fileSizeLimit: left,
    timeoutSeconds: UNPACKING_SECONDS,
    tick,
  });
  if (status !== 0) {
    if (signal === SIGXFSZ) throw new HookError("limit", "unpack", file.path, `to more than ${limit} bytes`);
    const line = stderr.split("\n").find((text) => text !== "") ?? "no word of why";
    const how = signal === 0 ? `status ${status}` : `signal ${signal}`;
    throw new HookError("program", "unpack", file.path, `${path} failed in ${folder}, ${how}: ${line}`);
  }
  const archive = spool.take(file.path);
  allowance.use(archive.size);
  return archive;
}
