import { ELFCLASS32, ELFCLASS64, ET_DYN } from "../elf/constants.ts";
import { EHDR_BYTES, readHeader, type ElfHeader } from "../elf/header.ts";
import { DF_1_PIE, readObject, type ElfObject } from "../elf/object.ts";
import { FormatError } from "../errors.ts";
import { ARCHITECTURES } from "../ldconfig/architecture.ts";
import { EINVAL, EISDIR, ENOENT, describeErrno } from "../rootfs/constants.ts";
import type { Identity } from "../rootfs/directory.ts";
import type { OpenFile } from "../rootfs/open-file.ts";
import type { Root } from "../rootfs/root.ts";
import type { Cpu } from "./cpu.ts";
import type { DynamicLinker } from "./dynamic-linker.ts";

/** What became of a path that a dynamic linker tried. */
export type Candidate =
  | { readonly verdict: "found"; readonly identity: Identity; readonly object: ElfObject }
  /** Nothing can be opened there; `errno` is positive. */
  | { readonly verdict: "absent"; readonly errno: number; readonly reason: string }
  /** A library, but for others: the search goes on. */
  | { readonly verdict: "skipped"; readonly reason: string }
  /** The dynamic linker gives up, and the program does not start. */
  | { readonly verdict: "refused"; readonly reason: string };

const ET_EXEC = 2;
const EV_CURRENT = 1;
const ELFOSABI_SYSV = 0;
const ELFOSABI_GNU = 3;
/** No release has more ABI versions than this. */
const MOST_ABI_VERSION = 8;
const EM_RISCV = 243;
const EF_RISCV_FLOAT_ABI = 6;
const EF_RISCV_FLOAT_ABI_DOUBLE = 4;

/**
 * Opens what a path leads to and judges it in the order of glibc's elf/dl-load.c (open_verify, _dl_map_object_from_fd):
 * of the wrong class or machine is passed over, all else that is wrong with a file that can be opened is the end.
 */
export function tryFile(root: Root, path: string, linker: DynamicLinker, cpu: Cpu): Candidate {
  const opened = root.open(path);
  if (typeof opened === "number") return unopened(-opened);
  using file = opened;
  const header = readHeader(file);
  if (typeof header === "string") return refused(HEADER_FAULTS[header]);
  const judged = judgeHeader(header, linker);
  return judged ?? judgeObject(file, header, linker, cpu);
}

const HEADER_FAULTS = {
  empty: "file too short: it is empty",
  short: "file too short: it ends within the ELF header",
  "not-elf": "invalid ELF header: it is no ELF file",
};

function unopened(errno: number): Candidate {
  if (errno === EISDIR) return refused("cannot read file data: it is a directory");
  if (errno === EINVAL) return refused("it is a device, FIFO or socket");
  return { verdict: "absent", errno, reason: errno === ENOENT ? "" : describeErrno(-errno) };
}

/** Where a link leads that nothing can be opened by; undefined when the path names no link. */
export function danglingLink(root: Root, path: string): string | undefined {
  const at = path.lastIndexOf("/");
  const directory = root.directory(path.slice(0, at + 1) || "/");
  if (typeof directory === "number") return undefined;
  using holder = directory;
  const target = holder.readlink(path.slice(at + 1));
  return typeof target === "string" ? target : undefined;
}

function judgeHeader(header: ElfHeader, { architecture }: DynamicLinker): Candidate | undefined {
  const { bits, bigEndian, machine } = ARCHITECTURES[architecture];
  const ownClass = bits === 64 ? ELFCLASS64 : ELFCLASS32;
  if (header.classByte !== ownClass) return skipped(`for ${header.classByte === ELFCLASS64 ? 64 : 32}-bit programs`);
  if (header.bigEndian !== bigEndian)
    return refused(`ELF file data encoding not ${bigEndian ? "big" : "little"}-endian`);
  if (header.identVersion !== EV_CURRENT) return refused("ELF file version ident does not match current one");
  if (header.osAbi !== ELFOSABI_SYSV && header.osAbi !== ELFOSABI_GNU) {
    return refused(`ELF file OS ABI invalid: ${header.osAbi}`);
  }
  if (header.abiVersion > (header.osAbi === ELFOSABI_GNU ? MOST_ABI_VERSION : 0)) {
    return refused(`ELF file ABI version invalid: ${header.abiVersion}`);
  }
  if (!header.padded) return refused("nonzero padding in e_ident");
  if (header.version !== EV_CURRENT) return refused("ELF file version does not match current one");
  const isRiscv = machine === EM_RISCV && header.machine === machine;
  if (header.machine !== machine) return skipped(`for another machine: e_machine ${header.machine}`);
  if (isRiscv && (header.flags & EF_RISCV_FLOAT_ABI) !== EF_RISCV_FLOAT_ABI_DOUBLE)
    return skipped("of another float ABI");
  if (header.type !== ET_DYN && header.type !== ET_EXEC) return refused("only ET_DYN and ET_EXEC can be loaded");
  if (header.phentsize !== (bits === 64 ? 56 : 32)) return refused("ELF file's phentsize not the expected size");
  return undefined;
}

function judgeObject(file: OpenFile, header: ElfHeader, linker: DynamicLinker, cpu: Cpu): Candidate {
  const read = readWhole(file, header);
  if (typeof read === "string") return refused(read);
  const kernel = (read.osVersion ?? 0) >>> 24;
  if (linker.features.abiNote && kernel !== 0) return skipped("its ABI note is of another system than Linux");
  return refusal(read, header, linker, cpu) ?? { verdict: "found", identity: file.identity, object: read };
}

function readWhole(file: OpenFile, header: ElfHeader): ElfObject | string {
  if (file.size < EHDR_BYTES[header.bits]) return HEADER_FAULTS.short;
  try {
    return readObject(file, header);
  } catch (error) {
    if (error instanceof FormatError) return `cannot read file data: ${error.message}`;
    throw error;
  }
}

/** What the dynamic linker says of a file that is the right one and still cannot be loaded. */
function refusal(object: ElfObject, header: ElfHeader, linker: DynamicLinker, cpu: Cpu): Candidate | undefined {
  if (!object.hasSegments) return refused("object file has no loadable segments");
  if (!object.hasDynamic) return refused("object file has no dynamic section");
  if (header.type === ET_EXEC) return refused("cannot dynamically load executable");
  if ((object.flags1 & DF_1_PIE) !== 0 && linker.minor >= 30) {
    return refused("cannot dynamically load position-independent executable");
  }
  if (linker.features.isa && object.isa > cpu.isa) {
    return refused(`CPU ISA level is lower than required: it needs x86-64-v${object.isa + 1}, and ${cpu.name} is less`);
  }
  return undefined;
}

function skipped(reason: string): Candidate {
  return { verdict: "skipped", reason };
}

function refused(reason: string): Candidate {
  return { verdict: "refused", reason };
}
