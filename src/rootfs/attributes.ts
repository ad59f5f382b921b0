/**
 * Extended attributes as overlayfs copies them from a lower to the upper layer (Documentation/filesystems/overlayfs.rst, "Nesting
 * overlayfs mounts", and fs/overlayfs/copy_up.c, which says what must not be lost): all but overlayfs' own, which would
 * mean something else in another layer, and EVM's signature, which is of one inode.
 */
import { ENODATA, EOPNOTSUPP } from "../kernel/errno.ts";
import { fgetxattr, flistxattr, fremovexattr, fsetxattr } from "../kernel/extended-attributes.ts";
import type { Attribute } from "./source.ts";

const notCopied = /^(?:trusted\.overlay\.|user\.overlay\.|security\.evm$)/;
const LIST = /^system\.posix_acl_/;
/** Those that rights depend on. */
const essential = /^(?:system\.posix_acl_|security\.)/;
/** SELinux' policy decides on it: it is set where that lets us. */
const LABEL = "security.selinux";

/** Those of an open file, or -errno; none where the file system has none. */
export function attributesOf(descriptor: number): readonly Attribute[] | number {
  const names = flistxattr(descriptor);
  if (typeof names === "number") return names === -EOPNOTSUPP ? [] : names;
  const attributes: Attribute[] = [];
  for (const name of names.filter((each) => !notCopied.test(each))) {
    const value = fgetxattr(descriptor, name);
    if (typeof value !== "number") attributes.push([name, value]);
    else if (value !== -ENODATA) return value;
  }
  return attributes;
}

/**
 * Gives an open file these, and takes access lists away that it has from its folder. One that the file system does not take
 * is left out, unless rights depend on it. 0 or -errno.
 */
export function setAttributes(descriptor: number, attributes: readonly Attribute[]): number {
  const present = flistxattr(descriptor);
  const inherited = typeof present === "number" ? [] : present.filter((name) => LIST.test(name));
  for (const name of inherited.filter((each) => !attributes.some(([wanted]) => wanted === each))) {
    const result = fremovexattr(descriptor, name);
    if (result < 0 && result !== -ENODATA) return result;
  }
  for (const [name, value] of attributes) {
    const before = fgetxattr(descriptor, name);
    if (typeof before !== "number" && String(before) === String(value)) continue;
    const result = fsetxattr(descriptor, name, value);
    const mayLack = name === LABEL || (result === -EOPNOTSUPP && !essential.test(name));
    if (result < 0 && !mayLack) return result;
  }
  return 0;
}
