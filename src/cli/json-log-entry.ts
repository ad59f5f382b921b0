import { stringFromUtf8, utf8FromString } from "../bytes/text.ts";
import { jsonSink } from "../logger-json.ts";
import type { Level, Sink } from "../logger.ts";
import { writeError } from "./output.ts";

/** A sink for log lines of at least this level, as JSON. */
export function jsonLines(level: Level): Sink {
  return jsonSink(level, stringFromUtf8, (line) => writeError(utf8FromString(line)));
}
