/** Error numbers (asm-generic/errno-base.h and errno.h); the same on every architecture that this program runs on. */

export const EPERM = 1;
export const ENOENT = 2;
export const EINTR = 4;
export const EIO = 5;
export const E2BIG = 7;
export const EBADF = 9;
export const EAGAIN = 11;
export const ENOMEM = 12;
export const EACCES = 13;
export const EBUSY = 16;
export const EEXIST = 17;
export const ENOTDIR = 20;
export const EISDIR = 21;
export const EINVAL = 22;
export const ENFILE = 23;
export const EMFILE = 24;
export const EFBIG = 27;
export const ENOSPC = 28;
export const EROFS = 30;
export const EPIPE = 32;
export const ENAMETOOLONG = 36;
export const ENOSYS = 38;
export const ENOTEMPTY = 39;
export const ELOOP = 40;
export const ENODATA = 61;
export const EOPNOTSUPP = 95;
export const ESTALE = 116;
export const EUCLEAN = 117;

/** Number, name and meaning of each, a line each: taken apart when one is asked for, as most runs ask for none. */
const ERRORS = `
1 EPERM operation not permitted
2 ENOENT no such file or directory
3 ESRCH no such process
4 EINTR interrupted
5 EIO input/output error
6 ENXIO no such device or address
7 E2BIG argument list too long
8 ENOEXEC exec format error
9 EBADF bad file descriptor
11 EAGAIN resource temporarily unavailable
12 ENOMEM out of memory
13 EACCES permission denied
14 EFAULT bad address
16 EBUSY device or resource busy
17 EEXIST file exists
18 EXDEV invalid cross-device link
19 ENODEV no such device
20 ENOTDIR not a directory
21 EISDIR is a directory
22 EINVAL invalid argument
23 ENFILE too many open files in the system
24 EMFILE too many open files
25 ENOTTY inappropriate ioctl
26 ETXTBSY text file busy
27 EFBIG file too large
28 ENOSPC no space left on device
29 ESPIPE illegal seek
30 EROFS read-only file system
31 EMLINK too many links
32 EPIPE broken pipe
36 ENAMETOOLONG file name too long
38 ENOSYS function not implemented
39 ENOTEMPTY directory not empty
40 ELOOP too many levels of symbolic links
61 ENODATA no data available
75 EOVERFLOW value too large
61 ENODATA no data available
95 EOPNOTSUPP operation not supported
116 ESTALE stale file handle
117 EUCLEAN structure needs cleaning
122 EDQUOT disk quota exceeded
`;

function known(number: number): { readonly name: string; readonly meaning: string } | undefined {
  const start = `\n${number} `;
  const at = ERRORS.indexOf(start);
  if (at < 0) return undefined;
  const line = ERRORS.slice(at + start.length, ERRORS.indexOf("\n", at + 1));
  const space = line.indexOf(" ");
  return { name: line.slice(0, space), meaning: line.slice(space + 1) };
}

/** Name of an error number: `ENOENT`; `errno 999` when it has none here. Takes either sign. */
export function errnoName(errno: number): string {
  const number = Math.abs(errno);
  return known(number)?.name ?? `errno ${number}`;
}

/** An error number for a person: `no such file or directory (ENOENT)`. Takes either sign. */
export function describeErrno(errno: number): string {
  const number = Math.abs(errno);
  const error = known(number);
  return error === undefined ? `errno ${number}` : `${error.meaning} (${error.name})`;
}
