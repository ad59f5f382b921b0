/**
 * glob(3) without flags, in the C locale, inside a container's root: `*`, `?`, `[...]` and backslash, matched component
 * by component; a leading dot wants a dot in the pattern (POSIX XCU 2.13; ldconfig.c's parse_conf_include).
 */
import type { ConfigurationFolders } from "./configuration-folders.ts";

/** Longer components match no file name, and cost time. */
const COMPONENT_LIMIT = 1024;

/** What each byte of a pattern counts for: three may be a set of 256 others. */
const SET_BYTES = 64;

/** What patterns may still do, all of one configuration together. */
export interface GlobBudget {
  /** How many names they may look at. */
  names: number;
  /** How many bytes they may compare: one that has to be tried at each place of a name compares thousands. */
  bytes: number;
}

/**
 * The paths that match, sorted bytewise. A pattern without magic characters matches itself, if such a file exists. With a
 * slash behind magic ones it matches folders only, which are not looked for. Each name looked at counts against `budget`,
 * and what is compared; when either is used up, no names are left and nothing more matches.
 */
export function glob(folders: ConfigurationFolders, pattern: string, budget: GlobBudget): string[] {
  const absolute = pattern.startsWith("/");
  const components = pattern.split("/").filter((component) => component !== "");
  if (pattern.endsWith("/") && MAGIC.test(components.at(-1) ?? "")) return [];
  let found = [absolute ? "" : "."];
  for (let index = 0; index < components.length; index += 1) {
    if (budget.names <= 0) return [];
    const component = components[index] ?? "";
    if (MAGIC.test(component)) {
      const matcher = new ComponentMatcher(component);
      const dots = index < components.length - 1 ? DOTS.filter((name) => matcher.matches(name)) : [];
      found = matchesIn(folders, found, matcher, dots, budget);
      continue;
    }
    budget.names -= found.length;
    found = found.map((path) => `${path}/${component}`);
    if (index < components.length - 1) continue;
    found = found.filter((path) => typeof folders.root.lstat(path, folders.from) !== "number");
  }
  return (absolute ? found : found.map((path) => path.slice(2))).sort();
}

const MAGIC = /[*?[\\]/;
/** Names of every folder that its listing leaves out. */
const DOTS = [".", ".."];

/** What matches in folders; of the names that each has, `dots` do. */
function matchesIn(
  folders: ConfigurationFolders,
  paths: readonly string[],
  matcher: ComponentMatcher,
  dots: readonly string[],
  budget: GlobBudget,
): string[] {
  const found: string[] = [];
  for (const path of paths) {
    if (budget.names <= 0) break;
    const names = folders.names(path === "" ? "/" : path);
    budget.names -= names.length + 1;
    for (const name of names) {
      if (matcher.matches(name)) found.push(`${path}/${name}`);
      if (matcher.compared > budget.bytes) break;
    }
    for (const name of dots) found.push(`${path}/${name}`);
  }
  budget.bytes -= matcher.compared;
  if (budget.bytes < 0) budget.names = 0;
  return found;
}

type Token =
  | { readonly kind: "one" }
  | { readonly kind: "many" }
  | { readonly kind: "set"; readonly bytes: ReadonlySet<number>; readonly negated: boolean }
  | { readonly kind: "byte"; readonly byte: number };

const CLASSES: ReadonlyMap<string, RegExp> = new Map([
  ["alpha", /[A-Za-z]/],
  ["digit", /[0-9]/],
  ["alnum", /[A-Za-z0-9]/],
  ["upper", /[A-Z]/],
  ["lower", /[a-z]/],
  ["xdigit", /[0-9A-Fa-f]/],
  ["space", /[\t-\r ]/],
  ["blank", /[\t ]/],
  ["punct", /[!-/:-@[-`{-~]/],
  ["print", /[ -~]/],
  ["graph", /[!-~]/],
  // oxlint-disable-next-line no-control-regex -- the class of control characters
  ["cntrl", /[\u0000-\u001f\u007f]/],
]);

/** One path component of a pattern. Takes time in proportion to pattern times name, whatever the pattern. */
export class ComponentMatcher {
  /** What follows the `*` of a usual pattern, `*.conf`: the rest is not needed then. */
  readonly #end: string | undefined;
  readonly #tokens: readonly Token[];
  readonly #wantsDot: boolean;
  /** Bytes that were compared, of the pattern's own sets and of all names; of a usual pattern none are counted. */
  compared: number;

  constructor(pattern: string) {
    const end = pattern.slice(1);
    this.#end = pattern.startsWith("*") && !MAGIC.test(end) ? end : undefined;
    this.#tokens = this.#end !== undefined || pattern.length > COMPONENT_LIMIT ? [] : parse(pattern);
    this.compared = this.#tokens.length === 0 ? 0 : pattern.length * SET_BYTES;
    const first = this.#tokens[0];
    this.#wantsDot = first?.kind === "byte" && first.byte === DOT;
  }

  matches(name: string): boolean {
    if (name.charCodeAt(0) === DOT && !this.#wantsDot) return false;
    if (this.#end !== undefined) return name.endsWith(this.#end);
    const tokens = this.#tokens;
    let at = 0;
    let token = 0;
    // Where to go on when what follows the last `*` does not match: one byte later, always behind that last `*`.
    let starToken = -1;
    let starAt = 0;
    while (at < name.length) {
      this.compared += 1;
      const current = tokens[token];
      if (current?.kind === "many") {
        starToken = token;
        starAt = at;
        token += 1;
      } else if (current !== undefined && accepts(current, name.charCodeAt(at))) {
        at += 1;
        token += 1;
      } else if (starToken !== -1) {
        starAt += 1;
        at = starAt;
        token = starToken + 1;
      } else return false;
    }
    while (tokens[token]?.kind === "many") token += 1;
    return token === tokens.length && tokens.length > 0;
  }
}

const DOT = 0x2e;

function accepts(token: Token, byte: number): boolean {
  switch (token.kind) {
    case "byte":
      return token.byte === byte;
    case "set":
      return token.bytes.has(byte) !== token.negated;
    case "one":
    case "many":
      return true;
  }
}

function parse(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < pattern.length;) {
    const character = pattern[at];
    const set = character === "[" ? parseSet(pattern, at) : undefined;
    if (set !== undefined) {
      tokens.push(set.token);
      at = set.end;
    } else if (character === "*" || character === "?") {
      tokens.push({ kind: character === "*" ? "many" : "one" });
      at += 1;
    } else {
      // A backslash at the very end has nothing to escape: fnmatch(3) then matches nothing.
      if (character === "\\") at += 1;
      tokens.push({ kind: "byte", byte: at < pattern.length ? pattern.charCodeAt(at) : -1 });
      at += 1;
    }
  }
  return tokens;
}

/** The bracket expression at `start`, or undefined when it is not closed and `[` stands for itself. */
function parseSet(pattern: string, start: number): { token: Token; end: number } | undefined {
  let at = start + 1;
  const negated = pattern[at] === "!" || pattern[at] === "^";
  if (negated) at += 1;
  const first = at;
  const bytes = new Set<number>();
  while (at < pattern.length) {
    if (pattern[at] === "]" && at > first) return { token: { kind: "set", bytes, negated }, end: at + 1 };
    const named = /^\[:([a-z]+):\]/.exec(pattern.slice(at, at + 12))?.[1];
    const members = named === undefined ? undefined : CLASSES.get(named);
    if (named !== undefined && members !== undefined) {
      for (let byte = 0; byte < 128; byte += 1) if (members.test(String.fromCharCode(byte))) bytes.add(byte);
      at += named.length + 4;
      continue;
    }
    const low = element(pattern, at);
    at = low.end;
    let high = low.byte;
    if (pattern[at] === "-" && at + 1 < pattern.length && pattern[at + 1] !== "]") {
      const upper = element(pattern, at + 1);
      high = upper.byte;
      at = upper.end;
    }
    for (let byte = low.byte; byte <= high; byte += 1) bytes.add(byte);
  }
  return undefined;
}

/** One byte of a bracket expression: itself, escaped, or written as `[.x.]` or `[=x=]`. */
function element(pattern: string, at: number): { byte: number; end: number } {
  const written = /^\[([.=])([^])\1\]/.exec(pattern.slice(at, at + 5))?.[2];
  if (written !== undefined) return { byte: written.charCodeAt(0), end: at + 5 };
  const start = pattern[at] === "\\" && at + 1 < pattern.length ? at + 1 : at;
  return { byte: pattern.charCodeAt(start), end: start + 1 };
}
