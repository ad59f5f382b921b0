import { execFileSync, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { executablePath, stateFor } from "./executable.ts";
import type { HostileRoot } from "./hostile-root.ts";

const source = resolve(import.meta.dirname, "../escape/race.c");

/** Seconds that the races of one hook take together at most. */
const secondsPerHook = Number(process.env["CDI_HOOK_RACE_SECONDS"] ?? 60);
const runsPerHook = 10_000;

export interface Race {
  /** Pairs of names in the root that are exchanged for each other without pause. */
  readonly exchanged: readonly (readonly [string, string])[];
  /** A name that the hook makes, and the directories (of the host) in which it may appear; it is removed after each run. */
  readonly made: string;
  readonly places: readonly string[];
  /** Arguments of the hook; `naive` and a path of the host run a tool that looks first and acts later. */
  readonly args: readonly string[];
  /** How many races share the time of one hook. */
  readonly shares: number;
}

export interface RaceResult {
  readonly runs: number;
  /** Runs with exit status 1. */
  readonly failed: number;
  /** Runs with any other status but 0, or that a signal ended. */
  readonly broken: number;
  readonly exchanges: number;
  /** How often the name was in each of the places. */
  readonly hits: readonly number[];
}

/** Runs the hook again and again while names are exchanged. Throws when it hangs, and when there is no C compiler. */
export function runRace(root: HostileRoot, race: Race): RaceResult {
  const { exchanged, made, places, args, shares } = race;
  const program = join(root.top, "race");
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source]);
  const input = join(root.top, "state.json");
  writeFileSync(input, stateFor(root.path));
  const isNaive = args[0] === "naive";
  const seconds = Math.min(secondsPerHook / shares, isNaive ? 5 : Infinity);
  const runs = isNaive ? 1_000_000 : Math.ceil(runsPerHook / shares);
  const names = exchanged.flat().map((name) => root.at(name));
  const words = [String(runs), String(seconds), input, made, ...places, "--", ...names, "--"];
  const command = isNaive ? args : [executablePath, ...args];
  const timeout = Math.ceil(seconds + 30) * 1000;
  const result = spawnSync(program, [...words, ...command], { encoding: "utf8", timeout, killSignal: "SIGKILL" });
  if (result.status !== 0) throw new Error(`race: ${result.status ?? result.signal}: ${result.stderr}`);
  return JSON.parse(result.stdout) as RaceResult;
}
