/** `apply`: all hooks of a bundle, or of devices of CDI specs, in one process with one open root. */
import { annotatedErofs } from "../apply/erofs-annotation.ts";
import type * as CdiEdits from "../apply/cdi-edits.ts";
import { hooksOfBundle } from "../apply/bundle-hooks.ts";
import { isOurs, stages, type HookEntry } from "../apply/entry.ts";
import { HookError } from "../errors.ts";
import { viewNamed } from "../hooks/container.ts";
import type { FlagValues } from "../hooks/hook.ts";
import { foreseen } from "../hooks/read-only.ts";
import { RootInUse } from "../hooks/root-in-use.ts";
import type { Logger } from "../logger.ts";
import { rootPathOf } from "../oci/bundle.ts";
import { mountsOf } from "../oci/mounts.ts";
import { readState, type State } from "../oci/state.ts";
import { openView, type Seen } from "../oci/view.ts";
import { part } from "../part.ts";
import { describeErrno } from "../rootfs/constants.ts";
import { layMounts, type RuntimeMounts } from "../rootfs/overlay.ts";
import { VirtualRoot } from "../rootfs/virtual-root.ts";
import { applyFlags } from "./apply-flags.ts";
import type * as Outputs from "./apply-output.ts";
import { chainedHooks } from "./entry-hooks.ts";
import { exitStatusOf, failure, success } from "./exit.ts";
import { parseCommandLine } from "./flags.ts";
import { tellForecast } from "./forecast.ts";
import { globalFlags } from "./globals.ts";
import { runHooks } from "./run-hooks.ts";
import type * as Images from "./image-entry.ts";
import { SharedFlags } from "./shared-flags.ts";

const cdiEdits = part<typeof CdiEdits>("cdi-edits");
const outputs = part<typeof Outputs>("apply-output");
const images = part<typeof Images>("image");

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
    if (line.command !== undefined && !flags.isSet("help")) throw notAFlag(line.command);
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

function notAFlag(word: string): HookError {
  return new HookError("usage", "parse arguments", word, "not a flag of apply; a bundle is given as --bundle DIR");
}

function rethrow(error: unknown): never {
  throw error;
}

/** Throws HookError `usage`, `state`, `format`, `limit`, `root`, `refused`. */
function apply(flags: FlagValues, log: Logger): number {
  const task = flags.list("cdi-spec").length > 0 ? cdiTask(flags) : bundleTask(flags);
  const options = {
    view: flags.text("view"),
    onReadOnly: flags.text("on-read-only"),
    dryRun: flags.isSet("dry-run"),
    json: flags.isSet("json"),
    output: outputOf(flags, task.state, log),
  };
  return applyHooks(task, options, log);
}

function outputOf(flags: FlagValues, state: State, log: Logger): Outputs.Output | undefined {
  const [emits, upper] = [flags.isSet("emit-mounts"), flags.text("upper")];
  if ([emits, upper !== "", flags.isSet("dry-run")].filter(Boolean).length > 1)
    throw new HookError("usage", "parse flags", "", "only one of --emit-mounts, --upper and --dry-run can be had");
  if (!emits && (flags.isSet("in-place") || flags.given("id") || flags.given("state-dir")))
    throw new HookError("usage", "parse flags", "", "--in-place, --id and --state-dir are for --emit-mounts");
  if (emits) return outputs().mountsOutput(flags, state, log);
  return upper === "" ? undefined : outputs().upperOutput(upper);
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
  readonly onReadOnly: string;
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Where the changes go instead of the root. */
  readonly output: Outputs.Output | undefined;
}

/** Runs the hooks that are ours and tells of the others; the answer is the exit status. Throws HookError. */
function applyHooks(task: Task, options: ApplyOptions, log: Logger): number {
  const { state, entries } = task;
  const { dryRun, output } = options;
  const [ours, others] = [entries.filter(isOurs), entries.filter((entry) => !isOurs(entry))];
  for (const { stage, path } of others) log.info(`apply: ${path} (${stage}) is not one of our hooks and is not run`);
  const chain = ours.flatMap((entry) => chainedHooks(entry, log));
  let seen: OpenRoot | undefined;
  const open = (): OpenRoot => (seen ??= openRoot(task, options, log));
  using use = new RootInUse(open, options.onReadOnly, log);
  const { root, pretend, forgivesReadOnly } = use;
  const settle = dryRun || output !== undefined ? (): void => undefined : use.settle;
  const container = { state: () => state, root, settle, forgivesReadOnly, ...(output === undefined && { pretend }) };
  const status = runHooks(chain, container, log);
  if (!dryRun && output === undefined) return status;
  const tree = root();
  if (!(tree instanceof VirtualRoot))
    throw new HookError("refused", "change", tree.hostPath, "it is no tree in memory");
  if (output !== undefined) {
    if (status === success) output.write(tree);
    return status;
  }
  const changes = foreseen(tree);
  const { path, view } = open();
  tellForecast({ path, view, chain, others, changes, isNew: (changed) => tree.isNew(changed) }, options.json);
  return status !== success ? failure : changes.length > 0 ? wouldChange : success;
}

interface OpenRoot extends Seen {
  /** For messages. */
  readonly path: string;
}

function openRoot({ state, planned }: Task, { view, dryRun, output }: ApplyOptions, log: Logger): OpenRoot {
  const image = planned === undefined && state.bundle !== undefined ? annotatedErofs(state.bundle) : undefined;
  const elsewhere = dryRun || output !== undefined;
  if (image !== undefined) {
    if (!elsewhere) throw new HookError("refused", "change", image, `gVisor takes this image as the root: ${waysOut}`);
    const root = images().openErofsByPath(image, (message) => log.warn(message));
    layMounts(root, mountsOf(state.bundle, log), (destination, result) =>
      log.debug(`mount on ${destination} is not shown: ${describeErrno(result)}`),
    );
    if (output === undefined) root.pretend("everywhere", true);
    else output.begin(root);
    return { path: image, view: "overlay", root };
  }
  const path = rootPathOf(state);
  // What is not written into the root is for a container of which nothing has been mounted yet.
  const wanted = viewNamed(view) ?? (output !== undefined && state.bundle !== undefined ? "overlay" : undefined);
  const request = { state, path, view: wanted, forecast: elsewhere, ...(planned === undefined ? {} : { planned }) };
  const seen = openView(request, log);
  if (output !== undefined && seen.root instanceof VirtualRoot) output.begin(seen.root);
  return { ...seen, path };
}

const waysOut = "see --emit-mounts and --upper, or --dry-run";
