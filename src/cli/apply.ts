/** `apply`: all hooks of a bundle, or of devices of CDI specs, in one process with one open root. */
import type * as CdiEdits from "../apply/cdi-edits.ts";
import { hooksOfBundle } from "../apply/bundle-hooks.ts";
import { isOurs, stages, type HookEntry } from "../apply/entry.ts";
import { HookError } from "../errors.ts";
import { viewNamed } from "../hooks/container.ts";
import type { FlagValues } from "../hooks/hook.ts";
import type { Logger } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { readState, type State } from "../oci/state.ts";
import type * as Views from "../oci/view.ts";
import { part } from "../part.ts";
import type { RuntimeMounts } from "../rootfs/overlay.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { applyFlags } from "./apply-flags.ts";
import { chainedHooks } from "./entry-hooks.ts";
import { exitStatusOf, failure, success } from "./exit.ts";
import { parseCommandLine } from "./flags.ts";
import { tellForecast } from "./forecast.ts";
import { globalFlags } from "./globals.ts";
import { runHooks } from "./run-hooks.ts";
import { SharedFlags } from "./shared-flags.ts";

const views = part<typeof Views>("view");
const cdiEdits = part<typeof CdiEdits>("cdi-edits");

/** What the command is run in. */
export interface ApplyCall {
  /** What was given before the word `apply`. */
  readonly flags: FlagValues;
  readonly environment: (name: string) => string | undefined;
  loggerOf(flags: FlagValues): Logger;
  help(): void;
}

/** Hooks, and the container that they are for. */
interface Task {
  readonly state: State;
  /** The hooks of the stages that are wanted. */
  readonly entries: readonly HookEntry[];
  /** What will be mounted, when config.json is not what says it. */
  readonly planned?: RuntimeMounts;
}

/** The exit status of a forecast that foresees a change. */
const wouldChange = 2;

/** Runs `apply`; `words` is what follows it. The answer is the exit status. */
export function runApply(words: readonly string[], call: ApplyCall): number {
  const grammar = { globals: [...globalFlags, ...applyFlags], flagsOf: () => undefined };
  let flags: FlagValues;
  let warnings: readonly string[];
  try {
    const line = parseCommandLine(words, grammar, call.environment);
    ({ warnings } = line);
    flags = new SharedFlags([line.flags, call.flags]);
  } catch (error) {
    return exitStatusOf(() => rethrow(error), "apply", call.loggerOf(call.flags));
  }
  const log = call.loggerOf(flags);
  if (flags.isSet("help")) return exitStatusOf(() => call.help(), "apply", log);
  for (const warning of warnings) log.warn(`apply: ${warning}`);
  let status = success;
  const told = exitStatusOf(() => (status = apply(flags, log)), "apply", log);
  return told === success ? status : told;
}

function rethrow(error: unknown): never {
  throw error;
}

/** Throws HookError `usage`, `state`, `format`, `limit`, `root`, `refused`. */
function apply(flags: FlagValues, log: Logger): number {
  const task = flags.list("cdi-spec").length > 0 ? cdiTask(flags) : bundleTask(flags);
  return applyHooks(task, { view: flags.text("view"), dryRun: flags.isSet("dry-run"), json: flags.isSet("json") }, log);
}

function bundleTask(flags: FlagValues): Task {
  if (flags.given("device") || flags.given("root")) {
    throw new HookError("usage", "parse flags", "", "--device and --root are for --cdi-spec");
  }
  const bundle = flags.text("bundle");
  const state = bundle === "" ? readState(flags.text("container-spec")) : stateOf({ bundle });
  const stage = flags.text("stage");
  const wanted: readonly string[] = stage === "" ? stages : [stage];
  if (wanted.some((name) => !stages.some((known) => known === name))) {
    throw new HookError("usage", "parse --stage", stage, `not one of ${stages.join(", ")}`);
  }
  const entries = hooksOfBundle(state.bundle ?? "");
  return { state, entries: wanted.flatMap((name) => entries.filter((entry) => entry.stage === name)) };
}

function cdiTask(flags: FlagValues): Task {
  const root = flags.text("root");
  if (root === "") throw new HookError("usage", "parse flags", "", "--cdi-spec needs --root, the container's root");
  if (!root.startsWith("/")) throw new HookError("usage", "parse --root", root, "not an absolute path");
  if (flags.given("bundle") || flags.given("stage")) {
    throw new HookError("usage", "parse flags", "", "--bundle and --stage are not for --cdi-spec");
  }
  const { hooks, planned } = cdiEdits().editsOf(flags.list("cdi-spec"), flags.list("device"));
  const entries = stages.flatMap((name) => hooks.filter((entry) => entry.stage === name));
  return { state: stateOf({ root }), entries, planned };
}

function stateOf(known: Partial<State>): State {
  return { root: undefined, bundle: undefined, id: undefined, status: undefined, pid: undefined, ...known };
}

interface ApplyOptions {
  readonly view: string;
  readonly dryRun: boolean;
  readonly json: boolean;
}

/** Runs the hooks that are ours and tells of the others; the answer is the exit status. Throws HookError. */
export function applyHooks({ state, entries, planned }: Task, options: ApplyOptions, log: Logger): number {
  const [ours, others] = [entries.filter(isOurs), entries.filter((entry) => !isOurs(entry))];
  for (const { stage, path } of others) log.info(`apply: ${path} (${stage}) is not one of our hooks and is not run`);
  const chain = ours.flatMap((entry) => chainedHooks(entry, log));
  const path = rootPathOf(state);
  let seen: Views.Seen | undefined;
  const open = (): Views.Seen =>
    (seen ??= views().openView(
      {
        state,
        path,
        view: viewNamed(options.view),
        forecast: options.dryRun,
        ...(planned === undefined ? {} : { planned }),
      },
      log,
    ));
  try {
    const container = { state: () => state, root: () => open().root, settle: () => undefined };
    const status = runHooks(chain, container, log);
    if (!options.dryRun) return status;
    const { root, view } = open();
    const changes = root instanceof VirtualRoot ? root : undefined;
    tellForecast({ path, view, chain, others, changes }, options.json);
    return status !== success ? failure : (changes?.changes.length ?? 0) > 0 ? wouldChange : success;
  } finally {
    seen?.root.close();
  }
}
