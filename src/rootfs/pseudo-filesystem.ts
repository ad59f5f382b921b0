import { ST_RDONLY, fileSystemMagic, mountFlags } from "../kernel/files.ts";

const PROC_SUPER_MAGIC = 0x9fa0;

/**
 * File systems whose files are the kernel's own (linux/magic.h). Writing there changes the host, not the container, so
 * nothing is ever written there, however a path leads to it (runc's CVE-2025-52881).
 */
// oxlint-disable-next-line unicorn/prefer-set-has -- a start would have to make the set, and asks once or twice
const PSEUDO_FILE_SYSTEMS: readonly number[] = [
  PROC_SUPER_MAGIC,
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0xf97cff8c, // selinuxfs
  0x43415d53, // smackfs
  0x5a3c69f0, // apparmorfs
  0xcafe4a11, // bpf
  0x62656570, // configfs
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0x42494e4d, // binfmt_misc
  0x1cd1, // devpts
  0x19800202, // mqueue
  0x6e736673, // nsfs
  0x50494446, // pidfs
  0x65735543, // fusectl
  0x07655821, // resctrl
  0xabba1974, // xenfs
];

/** Whether the directory behind `descriptor` is one in which nothing may be made or replaced. */
export function refusesWrites(descriptor: number): boolean {
  const magic = fileSystemMagic(descriptor);
  return magic < 0 || PSEUDO_FILE_SYSTEMS.includes(magic);
}

/** Whether the directory behind `descriptor` is on a procfs. */
export function isProcfs(descriptor: number): boolean {
  return fileSystemMagic(descriptor) === PROC_SUPER_MAGIC;
}

/** Whether the file system behind `descriptor`, or this mount of it, is read-only. */
export function isReadOnly(descriptor: number): boolean {
  const flags = mountFlags(descriptor);
  return flags >= 0 && (flags & ST_RDONLY) !== 0;
}
