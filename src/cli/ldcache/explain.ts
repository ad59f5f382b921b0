import { HookError } from "../../errors.ts";
import { readHostFile } from "../../host/file.ts";
import { ARCHITECTURE_NAMES, architectureNamed, type Architecture } from "../../ldconfig/names.ts";
import { cpuFromCpuinfo, cpusOf, explain, type AssumedCpu, type ExplainRequest } from "../../loader/explain.ts";
import type { Log } from "../../logger.ts";
import { writeJson } from "../json.ts";
import { explanationDocument } from "./explain-document.ts";
import { lookupText, treeText } from "./explain-text.ts";
import { writeOutput } from "../output.ts";
import { openRootArgument } from "../root-argument.ts";
import { terminalOf } from "../terminal.ts";

export interface ExplainOptions {
  readonly root?: string;
  readonly from?: string;
  readonly needed?: string;
  readonly libraryPath?: string;
  readonly preload?: string;
  readonly cpu?: string;
  readonly arch?: string;
  readonly json?: boolean;
}

const CPUINFO_LIMIT = 64 << 20;

/** The part `explain`: does what `ldcache explain` asks for; whether everything was found. Throws HookError. */
export function runExplain(name: string | undefined, options: ExplainOptions, log: Log): boolean {
  if (options.root === undefined) throw usage("--root is required");
  if ((name === undefined) === (options.needed === undefined)) throw usage("either NAME or --needed FILE is wanted");
  if (options.needed !== undefined && options.from !== undefined) throw usage("--from goes with NAME only");
  using root = openRootArgument(options.root, log, true);
  const request: ExplainRequest = {
    name,
    from: options.needed ?? options.from,
    libraryPath: options.libraryPath,
    preload: options.preload,
    architecture: options.arch === undefined ? undefined : architectureOf(options.arch),
    cpuFor: (architecture) => cpuOf(options.cpu, architecture),
  };
  const explanation = explain(root, request, log);
  const { lookup } = explanation;
  if (options.json === true) writeJson(explanationDocument(explanation, options.root, options.libraryPath));
  else if (lookup === undefined) writeOutput(treeText(explanation, terminalOf(1)));
  else writeOutput(lookupText(explanation, lookup, terminalOf(1)));
  return explanation.succeeds;
}

function architectureOf(name: string): Architecture {
  const known = architectureNamed(name);
  if (known !== undefined) return known;
  throw new HookError("usage", "parse --arch", name, `not one of ${ARCHITECTURE_NAMES.join(", ")}`);
}

function cpuOf(name: string | undefined, architecture: Architecture): AssumedCpu {
  const known = cpusOf(architecture);
  if (name === undefined || name === "host") {
    const own = cpuFromCpuinfo(readHostFile("/proc/cpuinfo", "kernel", CPUINFO_LIMIT), architecture);
    if (own !== undefined) return { cpu: own, why: "this machine's" };
    const [least] = known;
    if (name === undefined && least !== undefined) return { cpu: least, why: "the least of its kind, as none is told" };
  }
  const cpu = known.find((each) => each.name === name);
  if (cpu !== undefined) return { cpu, why: "as told" };
  const names = known.map((each) => each.name).join(", ");
  throw new HookError("usage", "parse --cpu", name ?? "", `not one of ${names}`);
}

function usage(reason: string): HookError {
  return new HookError("usage", "parse arguments", "", reason);
}
