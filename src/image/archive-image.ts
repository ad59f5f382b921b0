import { HookError } from "../errors.ts";
import { ConfinedFolder } from "../host/confined-folder.ts";
import type { HostBytes } from "../host/host-bytes.ts";
import type { NewFile } from "../host/new-file.ts";
import type { HostWriter } from "../host/host-writer.ts";
import { findProgram, runProgram } from "../host/program.ts";
import { Spool } from "../host/spool.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { isTar, readTar } from "../tar/read.ts";
import { endOfArchive, memberBytes } from "../tar/write.ts";
import { changedMembers } from "./changed-members.ts";
import type { Image, ImageSettings } from "./image.ts";
import { UNPACKING_SECONDS } from "./limits.ts";
import { GoneNames } from "./gone-names.ts";
import { Tree } from "./tree.ts";
import { Allowance, unpacked } from "./unpack.ts";

/** Who packs a file of such a name, so that the same bytes give the same bytes. */
const PACKERS = [
  { suffixes: [".gz", ".tgz"], names: ["gzip", "pigz"], words: ["-n", "-c"] },
  { suffixes: [".zst", ".tzst"], names: ["zstd"], words: ["-q", "-c"] },
  { suffixes: [".xz", ".txz"], names: ["xz"], words: ["-c", "-T1"] },
  { suffixes: [".bz2", ".tbz2", ".tbz"], names: ["bzip2"], words: ["-c"] },
] as const;

/** A root filesystem in a tar archive, which may be packed. */
export class ArchiveImage implements Image {
  readonly root: VirtualRoot;
  readonly needsDestination = true;
  readonly #path: string;
  readonly #settings: ImageSettings;
  /** Who may read the archive may read what is made of it. */
  readonly #mode: number;
  readonly #archive: HostBytes;
  readonly #tree: Tree = new Tree();

  /** Takes over the open file. Throws HookError. */
  constructor(file: HostBytes, settings: ImageSettings) {
    this.#path = file.path;
    this.#settings = settings;
    this.#mode = file.mode & 0o666;
    const tick = (): void => settings.progress?.(0, 1, this.#path);
    this.#archive = unpacked(file, settings.temporaryFolder, new Allowance(), tick);
    try {
      if (!isTar(this.#archive)) throw new HookError("root", "open image", this.#path, "not a tar archive");
      this.#tree.addLayer(readTar(this.#archive), this.#archive, false, tick);
    } catch (error) {
      this.#archive.close();
      throw inFile(error, this.#path);
    }
    this.root = new VirtualRoot(this.#path, this.#tree.root, this.#archive);
  }

  write(output: string | undefined): string | undefined {
    const { changes } = this.root;
    if (changes.length === 0 && output === undefined) return undefined;
    const path = output ?? this.#path;
    const slash = path.lastIndexOf("/");
    using folder = ConfinedFolder.open(slash < 0 ? "." : path.slice(0, slash + 1), "kernel");
    const name = path.slice(slash + 1);
    const packer = PACKERS.find(({ suffixes }) => suffixes.some((suffix) => name.endsWith(suffix)));
    using file = folder.create(name, true);
    if (packer === undefined) this.#writePlain(file);
    else this.#writePacked(file, packer);
    file.commit(this.#mode);
    return path;
  }

  /** What stays, as it is; then what is new. A member that something new replaces is left out, however often it is there. */
  #writePlain(file: HostWriter): void {
    const gone = new GoneNames(this.#tree, this.root.changes);
    gone.keepTargets(readTar(this.#archive));
    let start = 0;
    let end = 0;
    let hasGlobal = false;
    for (const member of readTar(this.#archive)) {
      if (gone.has(member)) {
        file.copy(this.#archive, start, end);
        start = member.end;
      }
      ({ end, hasGlobal } = member);
    }
    file.copy(this.#archive, start, Math.min(end, this.#archive.size));
    file.write(new Uint8Array(Math.max(end - this.#archive.size, 0)));
    const time = this.#settings.time ?? this.#tree.newest;
    for (const member of changedMembers(this.root.changes, this.#tree.root, time, false))
      file.write(memberBytes(member, hasGlobal));
    file.write(endOfArchive());
  }

  #writePacked(file: NewFile, packer: (typeof PACKERS)[number]): void {
    const path = packer.names.map((name) => findProgram(name)).find((found) => found !== undefined);
    if (path === undefined) {
      throw new HookError("program", "pack", this.#path, `needs the program ${packer.names.join(" or ")}`);
    }
    using spool = new Spool(this.#settings.temporaryFolder);
    this.#writePlain(spool);
    using plain = spool.take(this.#path);
    plain.rewind();
    const options = { stdin: plain.descriptor, stdout: file.descriptor, timeoutSeconds: UNPACKING_SECONDS };
    const { status, stderr } = runProgram(path, packer.words, options);
    if (status !== 0) throw new HookError("program", "pack", this.#path, `${path} failed: ${stderr.split("\n")[0]}`);
  }
}

/** A failure in an archive, with the archive's path. */
export function inFile(error: unknown, path: string): unknown {
  if (!(error instanceof HookError) || error.path !== "") return error;
  return new HookError(error.code, "read", path, error.message, { cause: error });
}
