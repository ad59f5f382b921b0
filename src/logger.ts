/** Where the work tells what it does. Lines carry no level, time or newline. */
export interface Log {
  /** Whether `debug` shows anything; ask before building a line in a loop. */
  readonly debugging: boolean;
  debug(message: string): void;
  /** Something that was left out or went wrong without stopping the work. */
  warn(message: string): void;
}

export type Level = "debug" | "info" | "warning" | "error";

/** What a line is about, for a reader that is a program: names as in `HookError`, values as byte strings. */
export type Facts = Readonly<Record<string, string | number | boolean>>;

/** Takes a finished line of a level that is shown; `message` is a byte string that may hold control bytes. */
export type Sink = (level: Level, message: string, facts: Facts | undefined) => void;

const severity: Readonly<Record<Level, number>> = { debug: 0, info: 1, warning: 2, error: 3 };

/** Warnings shown unless debugging: an image can give reason for a million, and runtimes keep a hook's lines in memory. */
const warningsShown = 64;

/** Lets the lines of one level and above through to a sink. */
export class Logger implements Log {
  readonly level: Level;
  readonly #sink: Sink;
  #warnings = 0;

  constructor(level: Level, sink: Sink) {
    this.level = level;
    this.#sink = sink;
  }

  get debugging(): boolean {
    return this.level === "debug";
  }

  debug(message: string, facts?: Facts): void {
    this.#write("debug", message, facts);
  }

  info(message: string, facts?: Facts): void {
    this.#write("info", message, facts);
  }

  warn(message: string, facts?: Facts): void {
    this.#warnings += 1;
    if (this.debugging || this.#warnings <= warningsShown) this.#write("warning", message, facts);
    else if (this.#warnings === warningsShown + 1) this.#write("warning", "further warnings are left out", undefined);
  }

  error(message: string, facts?: Facts): void {
    this.#write("error", message, facts);
  }

  /** Counts warnings from nothing again: for a process that runs on, at each piece of its work. */
  beginAnew(): void {
    this.#warnings = 0;
  }

  #write(level: Level, message: string, facts: Facts | undefined): void {
    if (severity[level] >= severity[this.level]) this.#sink(level, message, facts);
  }
}

/** Bytes of a message that are shown; a path may have 4096. */
const longestMessage = 6000;

/**
 * Plain lines, `cdi-hook: warning: message`, for a person who reads what a runtime quotes of a failed hook. `write` gets
 * whole lines with their newline.
 */
export function plainSink(write: (line: string) => void): Sink {
  return (level, message) => {
    write(`cdi-hook: ${level}: ${printable(message)}\n`);
  };
}

/**
 * A byte string as one line that a terminal only shows: control bytes, bytes that are not UTF-8, and the characters that
 * move the cursor or turn the direction of writing become `\xHH`, so that no name of a container can forge a line or
 * reach the terminal. What is longer than 6000 bytes is cut, with a note of how much.
 */
export function printable(message: string): string {
  const cut = message.length > longestMessage;
  const text = cut ? message.slice(0, longestMessage) : message;
  const shown = /^[\x20-\x7e]*$/.test(text) ? text : escapeBytes(text);
  return cut ? `${shown}... (${message.length - longestMessage} bytes more)` : shown;
}

function escapeBytes(text: string): string {
  return text.replace(wellFormedOrNot, (bytes: string) => {
    if (bytes.length > 1 && !unseen.test(bytes)) return bytes;
    let out = "";
    for (let at = 0; at < bytes.length; at += 1) {
      const code = bytes.charCodeAt(at);
      out += code === 0x0a ? "\\n" : code === 0x09 ? "\\t" : `\\x${code < 0x10 ? "0" : ""}${code.toString(16)}`;
    }
    return out;
  });
}

/** One character of well-formed UTF-8 beyond ASCII (Unicode 15, table 3-7), or one control byte, or one stray byte. */
const wellFormedOrNot =
  // oxlint-disable-next-line no-control-regex -- control bytes are what is looked for
  /[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|[\x00-\x1f\x7f-\xff]/g;

/** C1 controls, U+061C, U+200B..U+200F, U+2028..U+202E, U+2066..U+2069, U+FEFF. */
const unseen = /^(?:\xc2[\x80-\x9f]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|\xef\xbb\xbf)/;
