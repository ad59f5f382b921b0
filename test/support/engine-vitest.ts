/**
 * The part of vitest that the kernel's tests use, for the product's own engine: scripts/test-engine.mjs puts this file in
 * vitest's place. It needs neither promises nor timers, and nothing of Node. Prints a line per failed test and a tally.
 */
import { fromText, utf8FromString } from "../../src/bytes/text.ts";
import { writeAll } from "../../src/kernel/files.ts";
import { exit } from "../../src/kernel/process.ts";

interface Test {
  title: string;
  body: () => void;
}

const tests: Test[] = [];
const groups: string[] = [];
let finishers: (() => void)[] = [];

export function describe(title: string, body: () => void): void {
  groups.push(title);
  body();
  groups.pop();
}

export function test(title: string, body: () => void): void {
  tests.push({ title: [...groups, title].join(" > "), body });
}

/** One test per row; `%s` in the title stands for the row's first value. */
test.each =
  <T extends readonly unknown[]>(rows: readonly T[]): ((title: string, body: (...row: T) => void) => void) =>
  (title, body) => {
    for (const row of rows) test(title.replace("%s", String(row[0])), () => body(...row));
  };

export function onTestFinished(finisher: () => void): void {
  finishers.unshift(finisher);
}

class Mismatch extends Error {}

type Thrown = (new (...values: never[]) => unknown) | RegExp | string;

class Expectation {
  readonly #value: unknown;
  readonly #negated: boolean;

  constructor(value: unknown, negated: boolean) {
    this.#value = value;
    this.#negated = negated;
  }

  get not(): Expectation {
    return new Expectation(this.#value, !this.#negated);
  }

  #check(holds: boolean, what: string): void {
    if (holds === this.#negated)
      throw new Mismatch(`${show(this.#value)} ${this.#negated ? "does" : "does not"} ${what}`);
  }

  toBe(other: unknown): void {
    this.#check(Object.is(this.#value, other), `equal ${show(other)}`);
  }

  toEqual(other: unknown): void {
    this.#check(show(this.#value) === show(other), `equal ${show(other)}`);
  }

  toBeUndefined(): void {
    this.#check(this.#value === undefined, "equal undefined");
  }

  toContain(part: unknown): void {
    const holds = Array.isArray(this.#value) ? this.#value.includes(part) : String(this.#value).includes(String(part));
    this.#check(holds, `contain ${show(part)}`);
  }

  toMatch(pattern: RegExp): void {
    this.#check(pattern.test(String(this.#value)), `match ${String(pattern)}`);
  }

  toHaveLength(length: number): void {
    this.#check((this.#value as { length: number }).length === length, `have length ${length}`);
  }

  toBeGreaterThan(other: number): void {
    this.#check(Number(this.#value) > other, `exceed ${other}`);
  }

  toBeLessThan(other: number): void {
    this.#check(Number(this.#value) < other, `lie below ${other}`);
  }

  toBeInstanceOf(type: new (...values: never[]) => unknown): void {
    this.#check(this.#value instanceof type, `have the type ${type.name}`);
  }

  toThrow(wanted?: Thrown): void {
    let thrown: unknown;
    let threw = false;
    try {
      (this.#value as () => void)();
    } catch (error) {
      threw = true;
      thrown = error;
    }
    const message = thrown instanceof Error ? thrown.message : show(thrown);
    const fits =
      wanted === undefined ||
      (typeof wanted === "string" && message.includes(wanted)) ||
      (wanted instanceof RegExp && wanted.test(message)) ||
      (typeof wanted === "function" && thrown instanceof wanted);
    this.#check(threw && fits, `throw ${String(wanted)}${threw ? `, but: ${message}` : ""}`);
  }
}

export function expect(value: unknown): Expectation {
  return new Expectation(value, false);
}

/** A value as text, so that equal values have equal texts and `undefined` members do not count. */
function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "function") return `function ${value.name}`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} [${[...(value as Uint8Array)].join(", ")}]`;
  const members = Object.entries(value).filter((entry) => entry[1] !== undefined);
  const texts = members.map(([name, member]) => `${name}: ${show(member)}`).sort();
  return `${value.constructor.name} {${texts.join(", ")}}`;
}

function print(line: string): void {
  writeAll(1, fromText(utf8FromString(`${line}\n`)));
}

function fails(one: Test): boolean {
  let failure: unknown;
  let failed = false;
  const attempt = (body: () => void): void => {
    try {
      body();
    } catch (error) {
      failure ??= error;
      failed = true;
    }
  };
  finishers = [];
  attempt(one.body);
  for (const finish of finishers) attempt(finish);
  if (failed) {
    const where = failure instanceof Error ? (failure.stack ?? "") : "";
    print(`not ok: ${one.title}: ${failure instanceof Mismatch ? failure.message : show(failure)}\n${where}`);
  }
  return failed;
}

/** Runs what was declared and ends the process: 0 when every test passed. The last line is `N passed, N failed`. */
export function runTests(): never {
  let failed = 0;
  for (const one of tests) if (fails(one)) failed += 1;
  print(`${tests.length - failed} passed, ${failed} failed`);
  exit(failed === 0 && tests.length > 0 ? 0 : 1);
}
