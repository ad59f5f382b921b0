/** The kernel's values that this folder's answers carry, for those who may not import kernel/. */

export {
  DT_DIR,
  DT_LNK,
  DT_REG,
  DT_UNKNOWN,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFREG,
} from "../kernel/constants.ts";
export {
  EACCES,
  EBUSY,
  EEXIST,
  EFBIG,
  EINVAL,
  EIO,
  EISDIR,
  ELOOP,
  EMFILE,
  ENAMETOOLONG,
  ENFILE,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  EPERM,
  EROFS,
  ESTALE,
  EUCLEAN,
  describeErrno,
} from "../kernel/errno.ts";

/** The architecture of the machine that this program runs on. */
export const hostArchitecture: "x86-64" | "arm64" | "riscv64" = architecture;
