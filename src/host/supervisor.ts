import { sendDatagram } from "../kernel/socket.ts";

/**
 * Tells a supervisor what became of this process: `READY=1`, `STOPPING=1` (sd_notify(3)). `socket` is the value of
 * NOTIFY_SOCKET; without one, or when nobody listens there, nothing happens.
 */
export function tellSupervisor(socket: string | undefined, state: "READY=1" | "STOPPING=1"): void {
  if (socket !== undefined && /^[/@]./.test(socket)) sendDatagram(socket, state);
}
