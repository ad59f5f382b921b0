/** Where the work tells what it does. Lines carry no level, time or newline. */
export interface Log {
  /** Whether `debug` shows anything; ask before building a line in a loop. */
  readonly debugging: boolean;
  debug(message: string): void;
  /** Something that was left out or went wrong without stopping the work. */
  warn(message: string): void;
}
