import { monotonicMilliseconds } from "../kernel/clock.ts";
import { printable } from "../logger.ts";
import { writeError } from "./output.ts";
import { fitted, terminalOf, type Terminal } from "./terminal.ts";

/** Work that takes less shows nothing. */
const QUIET_MILLISECONDS = 500;
/** Between two pictures. */
const PAUSE_MILLISECONDS = 100;
/** Back to the line's start, and clear it. */
const CLEAR = "\r\x1b[K";

/**
 * One line on stderr that says how far the work is, for work that takes more than half a second; nothing unless stderr is
 * a terminal. Close it before anything else is written.
 *
 *     using progress = new Progress("layers");
 *     for (const layer of layers) progress.step(done, layers.length, layer.name);
 */
export class Progress implements Disposable {
  readonly #what: string;
  readonly #terminal: Terminal;
  #next: number;
  #shown = false;

  /** `what` is counted, such as `folders`. */
  constructor(what: string, terminal: Terminal = terminalOf(2)) {
    this.#what = what;
    this.#terminal = terminal;
    this.#next = terminal.isTerminal ? monotonicMilliseconds() + QUIET_MILLISECONDS : Infinity;
  }

  /** So much is done, of `total` where that is known; `detail` is any byte string. */
  step(done: number, total?: number, detail = ""): void {
    if (this.#next === Infinity) return;
    const now = monotonicMilliseconds();
    if (now < this.#next) return;
    this.#next = now + PAUSE_MILLISECONDS;
    this.#shown = true;
    const share = total === undefined ? "" : ` of ${total}`;
    const text = printable(`${done}${share} ${this.#what}${detail === "" ? "" : `: ${detail}`}`);
    writeError(CLEAR + fitted(text, this.#terminal.columns - 1));
  }

  /** Clears the line; what was begun may go on and show it again. */
  clear(): void {
    if (this.#shown) writeError(CLEAR);
    this.#shown = false;
  }

  [Symbol.dispose](): void {
    this.clear();
    this.#next = Infinity;
  }
}
