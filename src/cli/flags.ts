import { HookError } from "../errors.ts";
import type { Flag, FlagValues } from "../hooks/hook.ts";

/** The commands that a command line may name, and the flags that may stand anywhere. */
export interface Grammar {
  /** A word that may stand before the command. */
  readonly prefix?: string;
  readonly globals: readonly Flag[];
  /** The flags of a command; undefined when the word names none. */
  flagsOf(word: string): readonly Flag[] | undefined;
  /** Commands whose own grammar begins behind them. */
  readonly last?: readonly string[];
  /** Which of the names was probably meant by one that is not known. */
  suggest?(name: string, names: readonly string[]): string | undefined;
}

/** What a command line says. */
export interface CommandLine {
  /** Whether the grammar's prefix stands before the command. */
  readonly prefixed: boolean;
  /** The first word that is neither a flag nor a flag's value. */
  readonly command: string | undefined;
  /** Whether the grammar knows `command`. */
  readonly known: boolean;
  readonly flags: FlagValues;
  /** Whether any of the grammar's `globals` is among them. */
  readonly givesGlobals: boolean;
  /** What follows a command of the grammar's `last`. */
  readonly rest: readonly string[];
  /** One line each, for the user. */
  readonly warnings: readonly string[];
}

/** As Go's strconv.ParseBool: undefined when the text is no boolean. */
export function parseBoolean(text: string): boolean | undefined {
  switch (text) {
    case "1":
    case "t":
    case "T":
    case "true":
    case "TRUE":
    case "True":
      return true;
    case "0":
    case "f":
    case "F":
    case "false":
    case "FALSE":
    case "False":
      return false;
    default:
      return undefined;
  }
}

/**
 * Reads a command line by the grammar of NVIDIA's hooks: `--flag value`, `--flag=value`, and the same with one dash. A
 * flag that takes a value takes the next word whatever it looks like. Flags may stand before the command, after it and
 * between positionals; `--` ends those before the command, or those behind it. Positionals after the command mean nothing
 * and are skipped.
 *
 * A flag that the grammar does not know is skipped with a warning, as specs outlive executables. `--x=value` is one
 * word; in `--x value` the value is skipped with it, unless it begins with `-`, or stands where the command is still
 * to come and names one. Of what follows a command that the grammar does not know nothing is warned about, as its flags
 * are anyone's guess.
 *
 * Throws HookError `usage` when a known flag that takes a value is the last word, unless the command is not known.
 */
export function parseCommandLine(
  words: readonly string[],
  grammar: Grammar,
  environment: (name: string) => string | undefined = () => undefined,
): CommandLine {
  const given = new Map<string, string[]>();
  const unknown: string[] = [];
  const removed: string[] = [];
  const notBoolean: string[] = [];
  let own: readonly Flag[] = [];
  let command: string | undefined;
  let known = true;
  let prefixed = false;
  let givesGlobals = false;

  let at = 0;
  let flagsEnded = false;
  let unknownBefore = 0;
  while (at < words.length) {
    const word = words[at] ?? "";
    at += 1;
    if (flagsEnded || word.length < 2 || !word.startsWith("-")) {
      if (command !== undefined) continue;
      flagsEnded = false;
      if (word === grammar.prefix && !prefixed) {
        prefixed = true;
        continue;
      }
      command = word;
      unknownBefore = unknown.length;
      const flags = grammar.flagsOf(word);
      known = flags !== undefined;
      own = flags ?? [];
      if (grammar.last?.includes(word) === true) break;
      continue;
    }
    if (word === "--") {
      flagsEnded = true;
      continue;
    }
    const equals = word.indexOf("=");
    const said = equals < 0 ? word : word.slice(0, equals);
    const inline = equals < 0 ? undefined : word.slice(equals + 1);
    let flag = byWord(own).get(said);
    if (flag === undefined) {
      flag = byWord(grammar.globals).get(said);
      givesGlobals ||= flag !== undefined;
    }
    if (flag === undefined) {
      unknown.push(said);
      const next = words[at];
      const names =
        command === undefined && next !== undefined && (next === grammar.prefix || grammar.flagsOf(next) !== undefined);
      if (inline === undefined && next !== undefined && !next.startsWith("-") && !names) at += 1;
      continue;
    }
    let value = inline;
    if (value === undefined) {
      if (flag.value === "none") value = "true";
      else if (at < words.length) value = words[at++] ?? "";
      else if (known && flag.removed !== true)
        throw new HookError("usage", "parse arguments", command ?? "", `--${flag.name} needs a value`);
    }
    if (flag.removed === true) removed.push(`--${flag.name}`);
    else if (flag.value === "none" && parseBoolean(value ?? "") === undefined) notBoolean.push(word);
    else append(given, flag, value ?? "");
  }

  const warnings: string[] = [];
  const skipped = known ? unknown : unknown.slice(0, unknownBefore);
  if (skipped.length > 0)
    warnings.push(`ignoring ${counted(skipped, "unknown flag", (word) => meant(word, own, grammar))}`);
  if (known) {
    if (removed.length > 0) warnings.push(`ignoring ${counted(removed, "flag")}: without a meaning today`);
    if (notBoolean.length > 0) warnings.push(`ignoring ${counted(notBoolean, "value")}: neither true nor false`);
  }
  return {
    prefixed,
    command,
    known,
    flags: new ParsedFlags(given, own, grammar.globals, environment),
    givesGlobals,
    rest: words.slice(at),
    warnings,
  };
}

const indices = new Map<readonly Flag[], ReadonlyMap<string, Flag>>();

/** Flags by what may stand for them on a command line, and by their names; made once of each list. */
export function byWord(flags: readonly Flag[]): ReadonlyMap<string, Flag> {
  let index = indices.get(flags);
  if (index === undefined) {
    const words = flags.flatMap((flag) => {
      const names = flag.alias === undefined ? [flag.name] : [flag.name, flag.alias];
      return [flag.name, ...names.flatMap((name) => [`--${name}`, `-${name}`])].map((word) => [word, flag] as const);
    });
    // Of two flags with one name, the first counts.
    index = new Map(words.reverse());
    indices.set(flags, index);
  }
  return index;
}

function append(given: Map<string, string[]>, flag: Flag, value: string): void {
  const values = flag.value === "list" ? pieces(flag, value) : [value];
  const before = given.get(flag.name);
  if (before === undefined) given.set(flag.name, values);
  else before.push(...values);
}

function pieces(flag: Flag, value: string): string[] {
  const { commas } = flag;
  if (commas === undefined || !value.includes(",")) return [value];
  const all = value.split(",");
  return commas === "always" || all.every((piece) => commas.test(piece)) ? all : [value];
}

const namesShown = 5;
const longestName = 64;

/** A suggestion for a flag that is not known, to stand behind it; empty when there is none. `own` are the command's flags. */
function meant(word: string, own: readonly Flag[], grammar: Grammar): string {
  const flags = [...own, ...grammar.globals];
  const offered = flags.filter((flag) => flag.removed !== true && flag.hidden !== true).map(({ name }) => name);
  const found = grammar.suggest?.(word.replace(/^--?/, ""), offered);
  return found === undefined ? "" : ` (did you mean --${found}?)`;
}

function counted(names: readonly string[], noun: string, note: (name: string) => string = () => ""): string {
  const different = [...new Set(names)];
  const shown = different
    .slice(0, namesShown)
    .map((name) => (name.length > longestName ? `${name.slice(0, longestName)}...` : name + note(name)));
  const more = different.length > namesShown ? ` and ${different.length - namesShown} more` : "";
  return `${noun}${different.length > 1 ? "s" : ""} ${shown.join(", ")}${more}`;
}

class ParsedFlags implements FlagValues {
  readonly #given: ReadonlyMap<string, readonly string[]>;
  readonly #own: ReadonlyMap<string, Flag>;
  readonly #globals: ReadonlyMap<string, Flag>;
  readonly #environment: (name: string) => string | undefined;

  constructor(
    given: ReadonlyMap<string, readonly string[]>,
    own: readonly Flag[],
    globals: readonly Flag[],
    environment: (name: string) => string | undefined,
  ) {
    this.#given = given;
    this.#own = byWord(own);
    this.#globals = byWord(globals);
    this.#environment = environment;
  }

  given(name: string): boolean {
    return this.#given.has(name);
  }

  isSet(name: string): boolean {
    const value = this.#given.get(name)?.at(-1);
    if (value !== undefined) return parseBoolean(value) === true;
    const variables = this.#flag(name)?.environment ?? [];
    for (let at = 0; at < variables.length; at += 1) {
      const text = this.#environment(variables[at] ?? "");
      const set = text === undefined ? undefined : parseBoolean(text);
      if (set !== undefined) return set;
    }
    return false;
  }

  text(name: string): string {
    const given = this.#given.get(name)?.at(-1);
    if (given !== undefined) return given;
    const flag = this.#flag(name);
    for (const variable of flag?.environment ?? []) {
      const set = this.#environment(variable);
      if (set !== undefined && flag?.choices?.includes(set) !== false) return set;
    }
    return flag?.default ?? "";
  }

  list(name: string): readonly string[] {
    return this.#given.get(name) ?? [];
  }

  #flag(name: string): Flag | undefined {
    return this.#own.get(name) ?? this.#globals.get(name);
  }
}
