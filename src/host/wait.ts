import { HookError } from "../errors.ts";
import { monotonicMilliseconds } from "../kernel/clock.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close } from "../kernel/files.ts";
import { POLLIN, poll, type Awaited } from "../kernel/poll.ts";
import { SIGHUP, SIGINT, SIGTERM, blockSignals, readSignal, signalDescriptor } from "../kernel/signal.ts";

const ENDING = [SIGHUP, SIGINT, SIGTERM];

/**
 * How a process that runs on waits: for a descriptor, for a time, or for the wish that it ends. From when this is made
 * SIGTERM, SIGINT and SIGHUP are that wish and no longer end the process by themselves.
 */
export class Wait implements Disposable {
  readonly #signals: number;

  /** Throws HookError `kernel`. */
  constructor() {
    const blocked = blockSignals(ENDING);
    this.#signals = blocked < 0 ? blocked : signalDescriptor(ENDING);
    if (this.#signals < 0) throw new HookError("kernel", "wait for", "signals", describeErrno(this.#signals));
  }

  /** Milliseconds on a clock that is never set. */
  get time(): number {
    return monotonicMilliseconds();
  }

  /** Waits until that time at most, for the descriptor to become readable if there is one. Throws HookError `kernel`. */
  until(time: number, descriptor?: number): "readable" | "time" | "end" {
    const awaited: Awaited[] = [[this.#signals, POLLIN]];
    if (descriptor !== undefined) awaited.push([descriptor, POLLIN]);
    const ready = poll(awaited, time - this.time);
    if (typeof ready === "number") throw new HookError("kernel", "wait for", "events", describeErrno(ready));
    const [signals = 0, readable = 0] = ready;
    if (signals !== 0 && readSignal(this.#signals) !== 0) return "end";
    return readable === 0 ? "time" : "readable";
  }

  [Symbol.dispose](): void {
    close(this.#signals);
  }
}

/** Waits for so many milliseconds, or until a signal comes. */
export function pause(milliseconds: number): void {
  poll([], milliseconds);
}
