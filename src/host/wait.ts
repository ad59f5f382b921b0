import { HookError } from "../errors.ts";
import { monotonicMilliseconds } from "../kernel/clock.ts";
import { describeErrno } from "../kernel/errno.ts";
import { close } from "../kernel/files.ts";
import { waitReadable } from "../kernel/poll.ts";
import { SIGHUP, SIGINT, SIGIO, SIGTERM, blockSignals, readSignal, signalDescriptor } from "../kernel/signal.ts";

const ENDING = [SIGHUP, SIGINT, SIGTERM];

/**
 * How a process that runs on waits: for a descriptor, for a time, or for the wish that it ends. From when this is made
 * SIGTERM, SIGINT and SIGHUP are that wish and no longer end the process by themselves.
 */
export class Wait implements Disposable {
  readonly #signals: number;

  /** SIGIO, by which holders of leases are told of writers, is blocked too. Throws HookError `kernel`. */
  constructor() {
    const blocked = blockSignals([...ENDING, SIGIO]);
    this.#signals = blocked < 0 ? blocked : signalDescriptor(ENDING);
    if (this.#signals < 0) throw new HookError("kernel", "wait for", "signals", describeErrno(this.#signals));
  }

  /** Milliseconds on a clock that is never set. */
  get time(): number {
    return monotonicMilliseconds();
  }

  /** Waits until that time at most, for the descriptor to become readable if there is one. Throws HookError `kernel`. */
  until(time: number, descriptor?: number): "readable" | "time" | "end" {
    const descriptors = descriptor === undefined ? [this.#signals] : [this.#signals, descriptor];
    const readable = waitReadable(descriptors, time - this.time);
    if (typeof readable === "number") throw new HookError("kernel", "wait for", "events", describeErrno(readable));
    if (readable.includes(0) && readSignal(this.#signals) !== 0) return "end";
    return readable.includes(1) ? "readable" : "time";
  }

  [Symbol.dispose](): void {
    close(this.#signals);
  }
}
