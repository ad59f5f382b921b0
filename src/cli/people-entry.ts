import { stringFromUtf8, utf8FromString } from "../bytes/text.ts";
import { jsonSink } from "../logger-json.ts";
import { describe, peopleProgram, runPeople } from "./commands.ts";
import { writeError, writeOutput } from "./output.ts";
import { version } from "./version.ts";

// commander's errors ask for their stack in V8's way; the engine records it by itself.
if (!("captureStackTrace" in Error)) Object.assign(Error, { captureStackTrace: () => undefined });

globalThis.cdiHookPeople = {
  run: runPeople,
  help: (hook) => writeOutput(describe(peopleProgram(), hook)),
  version: () => writeOutput(`cdi-hook ${version}\n`),
  jsonSink: (level) => jsonSink(level, stringFromUtf8, (line) => writeError(utf8FromString(line))),
};
