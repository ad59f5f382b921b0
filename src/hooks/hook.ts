import type { Logger } from "../logger.ts";
import type { State } from "../oci/state.ts";
import type { Root } from "../rootfs/root.ts";

/** A flag of a command line, as data: the small parser reads it, and so does whatever prints help. */
export interface Flag {
  /** Without dashes. One dash and two dashes mean the same. */
  readonly name: string;
  /** One letter. */
  readonly alias?: string;
  /** `none` is a boolean, `string` keeps the last value given, `list` keeps all of them. */
  readonly value: "none" | "string" | "list";
  /** What stands for the value in help. */
  readonly placeholder?: string;
  /** The values that mean something. What another one on the command line is, is for whoever uses the flag to say. */
  readonly choices?: readonly string[];
  /** One value of a list is several, separated by commas: always, or when every piece matches. */
  readonly commas?: "always" | { test(piece: string): boolean };
  readonly help: string;
  readonly default?: string;
  /**
   * Environment variables that count when the command line does not give the flag: of a boolean, the first that holds one,
   * of a string, the first that is set and, where there are choices, holds one.
   */
  readonly environment?: readonly string[];
  /** It had a meaning once: the flag and its value are skipped with a warning. */
  readonly removed?: true;
  /** Left out of help. */
  readonly hidden?: true;
}

/** What the command line gave for the flags of one command. */
export interface FlagValues {
  /** Whether the flag was on the command line. */
  given(name: string): boolean;
  /** A boolean; false when nothing set it. */
  isSet(name: string): boolean;
  /** The value of a string flag: the last one given, its default, or "". */
  text(name: string): string;
  /** The values of a list flag in the order given. */
  list(name: string): readonly string[];
}

/** What a hook works with. Nothing is read from stdin before `state` or `root` is called. */
export interface HookCall {
  readonly flags: FlagValues;
  readonly log: Logger;
  /** The container's OCI state, read at the first call. Throws HookError `state` or `limit`. */
  readonly state: () => State;
  /**
   * The container's root filesystem, opened at the first call; whoever runs the hook closes it. Throws HookError `state`
   * or `root`.
   */
  readonly root: () => Root;
  /**
   * What is done about a place that is read-only: `root` becomes one that only seems to be writable, when the answer is
   * true, and the hook is run again.
   */
  readonly pretend?: (() => boolean) | undefined;
  /** A place that is read-only is no failure of any hook. */
  readonly forgivesReadOnly?: boolean | undefined;
}

/** One word of the command line, and what it does. */
export interface Hook {
  readonly name: string;
  /** One sentence for help. */
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** An example of the arguments for help. */
  readonly example?: string;
  /** Left out of the list of hooks in help. */
  readonly hidden?: true;
  /** Throws HookError, or an AggregateError of them when several parts of the work failed. */
  run(call: HookCall): void;
  /**
   * What running the hook with each of these flags would leave, one after the other, for less. Without it, they are run
   * one after the other. Throws as `run`.
   */
  runTogether?(call: HookCall, all: readonly FlagValues[]): void;
}

/** `--container-spec`, which every hook that reads the state has. */
export const containerSpec: Flag = {
  name: "container-spec",
  value: "string",
  placeholder: "FILE",
  help: "read the OCI state from this file; empty or - is stdin",
};
