import { fromText } from "../bytes/text.ts";
import { appendToHostFile } from "../host/append.ts";
import { Logger, printable, type Level } from "../logger.ts";

/** Lines that are kept for a failure. */
const mostHeld = 64;

/**
 * Where a runtime's lines go. Its standard output and error may be the container's own, so nothing is told there but a
 * failure, with the warnings before it; and, for a person who asks for them and gives no log file, debug lines. An engine
 * reads what the runtime says in the file that it names with `--log`, JSON lines or text as runc writes it, so all go there.
 */
export class RuntimeLog {
  readonly logger: Logger;
  readonly #terminal: Logger;
  readonly #path: string | undefined;
  readonly #json: boolean;
  readonly #held: string[] = [];

  /** `log` and `format` are the runtime's flags of these names. */
  constructor(terminal: Logger, log: string | undefined, format: string | undefined) {
    this.#terminal = terminal;
    this.#path = log === undefined ? undefined : fileOf(log);
    this.#json = format?.startsWith("json") === true;
    this.logger = new Logger(terminal.level, (level, message) => this.#line(level, message));
  }

  #line(level: Level, message: string): void {
    if (this.#path !== undefined) this.#append(this.#path, level, message);
    if (level === "error") {
      for (const held of this.#held.splice(0)) this.#terminal.warn(held);
      this.#terminal.error(message);
    } else if (level === "warning") {
      if (this.#held.length < mostHeld) this.#held.push(message);
    } else if (level === "debug" && this.#path === undefined) this.#terminal.debug(message);
  }

  /** A file that cannot be written is the runtime's to tell of. */
  #append(path: string, level: Level, message: string): void {
    const shown = `cdi-hook: ${printable(message)}`;
    const quoted = JSON.stringify(shown);
    appendToHostFile(
      path,
      fromText(this.#json ? `{"level":"${level}","msg":${quoted}}\n` : `level=${level} msg=${quoted}\n`),
    );
  }
}

/** crun's `--log` may say where to in other ways. */
function fileOf(log: string): string | undefined {
  if (log.startsWith("file:")) return log.slice("file:".length);
  return log === "" || /^(?:journald|syslog):/.test(log) || log === "/dev/stderr" ? undefined : log;
}
