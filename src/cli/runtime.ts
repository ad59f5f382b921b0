/**
 * `runtime`: an OCI runtime that stands before another one. When a container is made, the bundle is prepared; then, and for
 * every other command at once, this process becomes the real runtime.
 */
import { workingDirectory } from "../kernel/seldom.ts";
import { readRuntimeLine, type RuntimeLine } from "../apply/runtime-arguments.ts";
import { HookError } from "../errors.ts";
import type { FlagValues } from "../hooks/hook.ts";
import { hostFactsBehindLinks } from "../host/host-facts.ts";
import { becomeProgram, findProgram, ownEnvironment, programFolders } from "../host/program.ts";
import type { Logger } from "../logger.ts";
import { part } from "../part.ts";
import { exitStatusOf, failure, success } from "./exit.ts";
import { runtimeWord, type RuntimeName } from "./program.ts";
import type * as Bundle from "./runtime-bundle.ts";
import { RuntimeLog } from "./runtime-log.ts";

const bundles = part<typeof Bundle>("runtime-bundle");

/** What the command is run in. */
export interface RuntimeCall {
  /** The runtime by the name that we were called by. */
  readonly name: RuntimeName | undefined;
  /** What was given before the word `runtime`. */
  readonly flags: FlagValues;
  readonly log: Logger;
  readonly help: () => void;
}

/** Runs `runtime`; `words` is what follows it. The answer is the exit status of a failure, or of help. */
export function runRuntime(words: readonly string[], { name, flags, log, help }: RuntimeCall): number {
  const line = readRuntimeLine(words);
  const wanted = line.own.get("to")?.at(-1) ?? name?.name ?? "";
  if (wanted === "" && line.words.some((word) => word === "--help" || word === "-h")) {
    return exitStatusOf(help, runtimeWord, log);
  }
  const lines = new RuntimeLog(log, line.log, line.logFormat);
  let prepared = success;
  const failed = exitStatusOf(
    () => {
      const runtime = runtimePath(wanted, name?.folder);
      if (line.bundle !== undefined) prepared = prepare(line, line.bundle, flags, lines.logger);
      if (prepared === success) becomeProgram(runtime, [runtime, ...line.words], ownEnvironment());
    },
    runtimeWord,
    lines.logger,
  );
  return failed === success ? prepared : failed;
}

/** Throws HookError `usage`, `program`. */
function runtimePath(wanted: string, folder: string | undefined): string {
  if (wanted === "") throw new HookError("usage", "parse flags", "", "--to is needed, the runtime to become");
  const path = wanted.includes("/")
    ? wanted
    : findProgram(wanted, folder === undefined ? programFolders : [folder, ...programFolders]);
  if (path === undefined) {
    throw new HookError("program", "find", wanted, "no such program in the usual folders; its path can be given");
  }
  // It would find no command of a runtime's among its own, and end as if all were well.
  const own = hostFactsBehindLinks("/proc/self/exe")?.identity;
  if (own !== undefined && own === hostFactsBehindLinks(path)?.identity) {
    throw new HookError("refused", "become", path, "it is cdi-hook itself, not a runtime");
  }
  return path;
}

function prepare({ own }: RuntimeLine, bundle: string, flags: FlagValues, log: Logger): number {
  const folder = bundle.startsWith("/") ? "" : workingDirectory();
  if (typeof folder === "number") {
    log.debug("the working directory has no path: the runtime is left to itself");
    return success;
  }
  const separated = (name: string): readonly string[] => (own.get(name) ?? []).flatMap((value) => value.split(","));
  const request = {
    bundle: bundle.startsWith("/") ? bundle : bundle === "." ? folder : `${folder}/${bundle}`,
    devices: separated("device"),
    specs: separated("cdi-spec"),
    view: flags.text("view"),
    onReadOnly: flags.text("on-read-only"),
  };
  return bundles().prepareBundle(request, log) ? success : failure;
}
