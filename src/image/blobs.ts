/** The blobs of an OCI layout (image-spec, image-layout.md): files named for the digest of their bytes. */
import { HookError } from "../errors.ts";
import type { ConfinedFolder } from "../host/confined-folder.ts";
import type { HostBytes } from "../host/host-bytes.ts";
import { findProgram, runProgram } from "../host/program.ts";
import { Document, textOf, type Members } from "./document.ts";
import { LONGEST_DOCUMENT, UNPACKING_SECONDS } from "./limits.ts";
import { sha256 } from "./sha256.ts";

/** What is larger is left to the machine's program, where there is one. */
const OWN_LIMIT = 256 << 10;
const DIGEST = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** What one document says of another blob. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export type Written = Pick<Descriptor, "digest" | "size">;

/** Whether a digest is one of those that can be checked, and no path. */
export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

/** The descriptor in a document. Throws HookError `format`, for a digest that could be anything else than a name too. */
export function descriptorOf(members: Members | undefined, document: Document, what: string): Descriptor {
  const mediaType = textOf(members, "mediaType") ?? "";
  const digest = textOf(members, "digest") ?? "";
  const size = members?.["size"];
  if (!isDigest(digest)) {
    document.fail(`${what}: ${JSON.stringify(digest)} is not a digest of sha256 or sha512`);
  }
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0)
    document.fail(`${what}: its size is no number`);
  return { mediaType, digest, size };
}

/** The folder `blobs` of a layout. */
export class Blobs {
  readonly #layout: ConfinedFolder;

  constructor(layout: ConfinedFolder) {
    this.#layout = layout;
  }

  /** Opens a blob whose size and digest are those of the descriptor. Throws HookError. */
  open({ digest, size }: Descriptor, tick?: () => void): HostBytes {
    const [algorithm = "", hex = ""] = digest.split(":");
    using blobs = this.#layout.folder("blobs");
    using folder = blobs.folder(algorithm);
    const file = folder.file(hex);
    try {
      if (file.size !== size) throw failure(file, `has ${file.size} bytes, not ${size}`);
      checkDigest(file, digest, "its bytes have", tick);
      return file;
    } catch (error) {
      file.close();
      throw error;
    }
  }

  /** Reads a document. Throws HookError. */
  document(descriptor: Descriptor): Document {
    if (descriptor.size > LONGEST_DOCUMENT) {
      throw new HookError("limit", "read", descriptor.digest, `larger than ${LONGEST_DOCUMENT} bytes`);
    }
    using file = this.open(descriptor);
    return Document.parse(file.readAll(LONGEST_DOCUMENT), file.path);
  }

  /** Writes a blob, on the disk and under its name when this returns. Throws HookError `kernel`. */
  write(bytes: Uint8Array): Written {
    const hex = sha256(bytes);
    using blobs = this.#layout.folder("blobs");
    using folder = blobs.folder("sha256");
    using file = folder.create(hex);
    file.write(bytes);
    file.commit(0o644);
    return { digest: `sha256:${hex}`, size: bytes.length };
  }
}

/**
 * Throws HookError `format` when the bytes of the file do not have the digest; `whose` begins what it says then. `program`
 * when there is no program that reckons it.
 */
export function checkDigest(file: HostBytes, digest: string, whose: string, tick?: () => void): void {
  const [algorithm = "", hex = ""] = digest.split(":");
  const found = digestOf(file, algorithm, tick);
  if (found !== hex) throw failure(file, `${whose} the ${algorithm} digest ${found}, not ${hex}`);
}

function failure(file: HostBytes, reason: string): HookError {
  return new HookError("format", "read", file.path, reason);
}

function digestOf(file: HostBytes, algorithm: string, tick: (() => void) | undefined): string {
  if (algorithm === "sha256" && file.size <= OWN_LIMIT) return sha256(file.readAll(OWN_LIMIT));
  const name = `${algorithm}sum`;
  const path = findProgram(name);
  if (path === undefined) {
    throw new HookError("program", "check", file.path, `needs the program ${name}, which is not on this machine`);
  }
  file.rewind();
  const options = { stdin: file.descriptor, timeoutSeconds: UNPACKING_SECONDS, tick };
  const { status, stdout } = runProgram(path, [], options);
  if (status !== 0) throw new HookError("program", "check", file.path, `${path} failed with status ${status}`);
  return stdout.split(" ")[0] ?? "";
}
