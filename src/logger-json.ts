import pino from "pino";
import type { Level, Sink } from "./logger.ts";

const pinoLevel = { debug: "debug", info: "info", warning: "warn", error: "error" } as const;

/**
 * JSON lines in pino's form (`level` as a number, `time` in milliseconds, `msg`), made by pino's browser build: its Node
 * build wants streams and worker threads. `decode` turns a byte string into a JavaScript string, `write` gets whole lines
 * with their newline.
 */
export function jsonSink(level: Level, decode: (bytes: string) => string, write: (line: string) => void): Sink {
  const logger = pino({
    level: pinoLevel[level],
    browser: {
      asObject: true,
      write: (entry: object) => write(`${JSON.stringify(entry)}\n`),
    },
  });
  return (lineLevel, message, facts) => {
    const decoded = Object.fromEntries(
      Object.entries(facts ?? {}).map(([name, value]) => [name, typeof value === "string" ? decode(value) : value]),
    );
    logger[pinoLevel[lineLevel]](decoded, decode(message));
  };
}
