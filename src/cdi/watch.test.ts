import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { scratchDirectory } from "../../test/support/scratch.ts";
import { Logger } from "../logger.ts";
import { watchSpecs, watchTimes } from "./watch.ts";

beforeAll(() => {
  process.on("SIGIO", () => undefined);
});

/** What happens after so many milliseconds. */
type Script = Readonly<Record<number, () => void>>;

interface Watched {
  /** `100 a.json`: when which file was looked at, and what was told. */
  readonly events: readonly string[];
  readonly lines: readonly string[];
}

/** Runs the loop on a clock that stands while something is done and jumps to the next thing that happens. */
function watched(directories: readonly string[], script: Script, poll = false): Watched {
  const events: string[] = [];
  const lines: string[] = [];
  const times = Object.keys(script).map(Number);
  let time = 0;
  const note = (what: string): void => {
    events.push(`${Math.round(time)} ${what}`);
  };
  watchSpecs({
    directories,
    poll,
    log: new Logger("debug", (level, message) => lines.push(`${level}: ${message}`)),
    wait: {
      get time() {
        return time;
      },
      until(until) {
        const next = times.shift();
        if (next === undefined) return "end";
        if (Math.min(next, until) - time > 50) tick();
        if (next > until) {
          times.unshift(next);
          time = until;
          return "time";
        }
        time = next;
        script[next]?.();
        return "readable";
      },
    },
    rewrite: (path) => {
      note(path.slice(path.lastIndexOf("/") + 1));
      return true;
    },
    ready: () => note("ready"),
  });
  return { events, lines };
}

const end = { 10_000: (): void => undefined };

/** Lets the clock of files' times go on. */
function tick(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 25);
}

describe.each([
  ["inotify", false],
  ["polling", true],
])("by %s", (_, poll) => {
  test("what is there is rewritten at once", () => {
    const top = scratchDirectory();
    for (const name of ["a.json", "b.yaml", "c.yml", "d.json.tmp"]) writeFileSync(join(top, name), "");
    const { events } = watched([top], {}, poll);
    expect([...events].sort()).toEqual(["0 a.json", "0 b.yaml", "0 ready"]);
  });

  test("a file that is open for writing is left alone until it is closed", () => {
    const top = scratchDirectory();
    const path = join(top, "a.json");
    let fd = 0;
    const { events } = watched(
      [top],
      {
        10: () => {
          fd = openSync(path, "w");
          writeSync(fd, "{");
        },
        3000: () => {
          writeSync(fd, "}");
          closeSync(fd);
        },
        ...end,
      },
      poll,
    );
    expect(events[0]).toBe("0 ready");
    expect(Number.parseInt(events[1] ?? "", 10)).toBeGreaterThan(3000);
    expect(Number.parseInt(events[1] ?? "", 10)).toBeLessThan(4200);
  });

  test("directories that come, go, and come back", () => {
    const top = scratchDirectory();
    const directory = join(top, "run/cdi");
    const make = (): void => {
      mkdirSync(directory, { recursive: true });
      writeFileSync(join(directory, "a.json"), "");
    };
    const { events } = watched(
      [directory],
      {
        1000: make,
        5000: () => rmSync(join(top, "run"), { recursive: true }),
        10_000: make,
        15_000: () => renameSync(directory, `${directory}-old`),
        20_000: () => renameSync(`${directory}-old`, directory),
        25_000: () => writeFileSync(join(directory, "b.json"), ""),
        28_000: () => undefined,
      },
      poll,
    );
    const seconds = events.map((event) => `${Math.floor(Number.parseInt(event, 10) / 5000)} ${event.split(" ")[1]}`);
    expect([...new Set(seconds)]).toEqual(["0 ready", "0 a.json", "2 a.json", "4 a.json", "5 b.json"]);
  });
});

test("many changes are one, once nothing happens for a moment", () => {
  const top = scratchDirectory();
  const write = (name: string) => (): void => writeFileSync(join(top, name), "");
  const { events } = watched([top], { 10: write("a.json"), 60: write("a.json"), 140: write("b.json"), ...end });
  expect(events).toEqual(["0 ready", "160 a.json", "240 b.json"]);
});

test("but no file is left alone for as long as something happens", () => {
  const top = scratchDirectory();
  const script = Object.fromEntries(
    Array.from({ length: 40 }, (_, at) => [at * 50 + 1, (): void => writeFileSync(join(top, "a.json"), "")]),
  );
  const { events } = watched([top], script);
  const [, ...looks] = events.map((event) => Number.parseInt(event, 10));
  expect(looks.length).toBeGreaterThanOrEqual(3);
  looks.forEach((look, at) => expect(look - (looks[at - 1] ?? 0)).toBeLessThanOrEqual(watchTimes.patience + 101));
});

test("what is gone by then is no matter", () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const { events } = watched([top], { 10: () => writeFileSync(path, ""), 20: () => rmSync(path), ...end });
  expect(events).toEqual(["0 ready"]);
});

test("polling looks once a second, and again at nothing that has not changed", () => {
  const top = scratchDirectory();
  const path = join(top, "a.json");
  const { events } = watched([top], { 500: () => writeFileSync(path, ""), ...end }, true);
  expect(events).toEqual(["0 ready", "1100 a.json"]);
});
