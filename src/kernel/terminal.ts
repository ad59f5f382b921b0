import { restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

/** The same number on x86, ARM and RISC-V (asm-generic/ioctls.h). */
const TIOCGWINSZ = 0x5413;

/**
 * The width in columns of the terminal that the descriptor is open on, 0 when the terminal does not know; -ENOTTY, or
 * another -errno, when it is none (ioctl_tty(2)).
 */
export function terminalColumns(descriptor: number): number {
  const size = new Uint16Array(4); // struct winsize: rows, columns, pixels
  const result = restarted(() => syscall(NR.ioctl, descriptor, TIOCGWINSZ, size));
  return result < 0 ? result : (size[1] ?? 0);
}
