import { fromText } from "../bytes/text.ts";
import { O_CLOEXEC } from "./constants.ts";
import { close, restarted } from "./files.ts";
import * as NR from "./syscalls.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_NOSIGNAL = 0x4000;

/**
 * Sends one datagram to a Unix socket: its path, or for an abstract one `@` and its name (unix(7)). The number of bytes
 * sent, or -errno; -EINVAL for a path that no address can hold.
 */
export function sendDatagram(path: string, message: string): number {
  const name = path.startsWith("@") ? `\0${path.slice(1)}` : `${path}\0`;
  const address = fromText(`${String.fromCharCode(AF_UNIX)}\0${name}`);
  const fd = syscall(NR.socket, AF_UNIX, SOCK_DGRAM | O_CLOEXEC, 0);
  if (fd < 0) return fd;
  const data = fromText(message);
  const sent = restarted(() => syscall(NR.sendto, fd, data, data.length, MSG_NOSIGNAL, address, address.length));
  close(fd);
  return sent;
}
