import { describe, expect, test } from "vitest";
import { Logger, plainSink, printable } from "./logger.ts";
import { utf8FromString } from "./bytes/text.ts";

function linesOf(level: "debug" | "info" | "warning" | "error", use: (log: Logger) => void): string[] {
  const lines: string[] = [];
  use(
    new Logger(
      level,
      plainSink((line) => lines.push(line)),
    ),
  );
  return lines;
}

describe("Logger", () => {
  test("shows its level and what is above", () => {
    const lines = linesOf("warning", (log) => {
      log.debug("a");
      log.info("b");
      log.warn("c");
      log.error("d");
    });
    expect(lines).toEqual(["cdi-hook: warning: c\n", "cdi-hook: error: d\n"]);
  });

  test("each piece of work has its own warnings", () => {
    const lines = linesOf("warning", (log) => {
      for (let work = 0; work < 3; work++) {
        log.beginAnew();
        for (let at = 0; at < 100; at++) log.warn(String(at));
      }
    });
    expect(lines).toHaveLength(3 * 65);
  });

  test("a flood of warnings ends, unless debugging; errors are shown all the same", () => {
    const flood = (log: Logger): void => {
      for (let at = 0; at < 1000; at++) log.warn(String(at));
      log.error("end");
    };
    const lines = linesOf("info", flood);
    expect(lines).toHaveLength(66);
    expect(lines.slice(-3)).toEqual([
      "cdi-hook: warning: 63\n",
      "cdi-hook: warning: further warnings are left out\n",
      "cdi-hook: error: end\n",
    ]);
    expect(linesOf("debug", flood)).toHaveLength(1001);
  });

  test("tells whether debug shows anything", () => {
    const sink = plainSink(() => undefined);
    expect(new Logger("debug", sink).debugging).toBe(true);
    expect(new Logger("info", sink).debugging).toBe(false);
  });
});

describe("printable", () => {
  test("a name cannot forge a line", () => {
    expect(printable("read /a\ncdi-hook: error: b")).toBe("read /a\\ncdi-hook: error: b");
  });

  test("a name cannot reach the terminal", () => {
    expect(printable("\x1b[2J\x7f\x9b1m")).toBe("\\x1b[2J\\x7f\\x9b1m");
    expect(printable(utf8FromString("\u009b2J \u202eabc"))).toBe("\\xc2\\x9b2J \\xe2\\x80\\xaeabc");
  });

  test("UTF-8 is shown as it is, other bytes as their numbers", () => {
    const name = utf8FromString("größe/日本/𝔸");
    expect(printable(name)).toBe(name);
    expect(printable("a\xffb\xc3")).toBe("a\\xffb\\xc3");
    expect(printable("\xed\xa0\x80")).toBe("\\xed\\xa0\\x80");
  });

  test("a long message is cut", () => {
    expect(printable("x".repeat(7000))).toBe(`${"x".repeat(6000)}... (1000 bytes more)`);
  });
});
