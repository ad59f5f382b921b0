/** The command line of ldconfig, as GNU's argp(3) takes it: permuted, bundled, abbreviated. */

/** What the command line asks for. */
export interface Request {
  print: boolean;
  verbose: boolean;
  /** -N: nothing is built. */
  builds: boolean;
  /** -X: links are left alone. */
  links: boolean;
  /** -n: only the operands are scanned. */
  onlyOperands: boolean;
  /** -l: operands are files to be linked. */
  manual: boolean;
  root: string | undefined;
  cache: string | undefined;
  conf: string | undefined;
  format: "old" | "compat" | "new" | undefined;
  readonly operands: string[];
}

/** Something that ends the program at the place where it stands: a text to print, or what is wrong with an option. */
export interface Ending {
  readonly kind: "help" | "usage" | "version" | "wrong";
  /** What is wrong. */
  readonly reason: string;
}

interface LongOption {
  readonly name: string;
  readonly letter: string;
  readonly argument: boolean;
}

/** `program-name` is argp's own, and in no help. */
const LONG: readonly LongOption[] = [
  { name: "print-cache", letter: "p", argument: false },
  { name: "verbose", letter: "v", argument: false },
  { name: "format", letter: "c", argument: true },
  { name: "ignore-aux-cache", letter: "i", argument: false },
  { name: "help", letter: "?", argument: false },
  { name: "program-name", letter: "program-name", argument: true },
  { name: "usage", letter: "usage", argument: false },
  { name: "version", letter: "V", argument: false },
];

const FLAGS = "pvNXnli?V";
const WITH_ARGUMENT = "rCfc";

/** Takes the words apart; `permuting` is false where POSIXLY_CORRECT is set: the first operand ends the options. */
export function parseRequest(words: readonly string[], permuting = true): Request | Ending {
  const request: Request = {
    print: false,
    verbose: false,
    builds: true,
    links: true,
    onlyOperands: false,
    manual: false,
    root: undefined,
    cache: undefined,
    conf: undefined,
    format: undefined,
    operands: [],
  };
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (word === "--" || (!permuting && !isOption(word))) {
      request.operands.push(...words.slice(word === "--" ? at + 1 : at));
      break;
    }
    if (!isOption(word)) request.operands.push(word);
    else {
      const taken = word.startsWith("--") ? long(word, words[at + 1], request) : short(word, words[at + 1], request);
      if (typeof taken === "object") return taken;
      at += taken;
    }
  }
  return request;
}

function isOption(word: string): boolean {
  return word.startsWith("-") && word !== "-";
}

/** One word of letters; how many further words it took, or the end. */
function short(word: string, next: string | undefined, request: Request): number | Ending {
  for (let at = 1; at < word.length; at += 1) {
    const letter = word[at] ?? "";
    if (WITH_ARGUMENT.includes(letter)) {
      const rest = word.slice(at + 1);
      const value = rest === "" ? next : rest;
      if (value === undefined) return wrong(`option requires an argument -- '${letter}'`);
      apply(letter, value, request);
      return rest === "" ? 1 : 0;
    }
    if (!FLAGS.includes(letter)) return wrong(`invalid option -- '${letter}'`);
    const ending = apply(letter, "", request);
    if (ending !== undefined) return ending;
  }
  return 0;
}

function long(word: string, next: string | undefined, request: Request): number | Ending {
  const equals = word.indexOf("=");
  const name = word.slice(2, equals < 0 ? undefined : equals);
  const exact = LONG.filter((option) => option.name === name);
  const matching = exact.length > 0 ? exact : LONG.filter((option) => option.name.startsWith(name));
  const [option] = matching;
  if (option === undefined) return wrong(`unrecognized option '${word}'`);
  if (matching.length > 1) {
    const names = matching.map((each) => ` '--${each.name}'`).join("");
    return wrong(`option '${word}' is ambiguous; possibilities:${names}`);
  }
  if (!option.argument) {
    if (equals >= 0) return wrong(`option '--${option.name}' doesn't allow an argument`);
    return apply(option.letter, "", request) ?? 0;
  }
  const value = equals < 0 ? next : word.slice(equals + 1);
  if (value === undefined) return wrong(`option '--${option.name}' requires an argument`);
  return apply(option.letter, value, request) ?? (equals < 0 ? 1 : 0);
}

function wrong(reason: string): Ending {
  return { kind: "wrong", reason };
}

function apply(letter: string, value: string, request: Request): Ending | undefined {
  switch (letter) {
    case "p":
      request.print = true;
      break;
    case "v":
      request.verbose = true;
      break;
    case "n":
      request.builds = false;
      request.onlyOperands = true;
      break;
    case "N":
      request.builds = false;
      break;
    case "X":
      request.links = false;
      break;
    case "l":
      request.manual = true;
      break;
    case "r":
      request.root = value;
      break;
    case "C":
      request.cache = value;
      break;
    case "f":
      request.conf = value;
      break;
    case "c":
      // Any other word is ignored.
      if (value === "old" || value === "compat" || value === "new") request.format = value;
      break;
    case "?":
      return { kind: "help", reason: "" };
    case "usage":
      return { kind: "usage", reason: "" };
    case "V":
      return { kind: "version", reason: "" };
  }
  return undefined;
}
