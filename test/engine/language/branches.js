/* oxlint-disable */
// Each operator as a value and as a condition, near and far.
import { attempt, line, show } from "./report.js";
import { Base, values } from "./values.js";

const binary = {
  "&&": [
    (a, b) => a && b,
    (a, b) => {
      if (a && b) return "then";
      return "else";
    },
    (a, b) => (a && b ? 1 : 2),
    (a, b) => !(a && b),
  ],
  "||": [
    (a, b) => a || b,
    (a, b) => {
      if (a || b) return "then";
      return "else";
    },
    (a, b) => (a || b ? 1 : 2),
    (a, b) => !(a || b),
  ],
  "??": [
    (a, b) => a ?? b,
    (a, b) => {
      if (a ?? b) return "then";
      return "else";
    },
    (a, b) => ((a ?? b) === undefined ? 1 : 2),
    (a, b) => !(a ?? b),
  ],
  "<": [
    (a, b) => a < b,
    (a, b) => {
      if (a < b) return "then";
      return "else";
    },
    (a, b) => {
      let n = 0;
      while (a < b && n < 3) n += 1;
      return n;
    },
    (a, b) => !(a < b) && "not",
  ],
  "<=": [
    (a, b) => a <= b,
    (a, b) => (a <= b ? 1 : 2),
    (a, b) => {
      let n = 0;
      do n += 1;
      while (a <= b && n < 3);
      return n;
    },
    (a, b) => a <= b || "not",
  ],
  ">": [
    (a, b) => a > b,
    (a, b) => (a > b ? 1 : 2),
    (a, b) => {
      for (let n = 0; a > b; n += 1) if (n > 2) return n;
      return -1;
    },
    (a, b) => a > b ?? "never",
  ],
  ">=": [(a, b) => a >= b, (a, b) => (a >= b ? 1 : 2), (a, b) => [a >= b, b >= a], (a, b) => (a >= b && a) || b],
  "==": [(a, b) => a == b, (a, b) => (a == b ? 1 : 2), (a) => a == null, (a, b) => (a == b) === (b == a)],
  "!=": [(a, b) => a != b, (a, b) => (a != b ? 1 : 2), (a) => (a != null ? 1 : 2), (a, b) => !(a != b)],
  "===": [
    (a, b) => a === b,
    (a, b) => (a === b ? 1 : 2),
    (a, b) => a === b && b === a,
    (a, b) => (a === undefined || b === undefined ? "some" : "none"),
  ],
  "!==": [
    (a, b) => a !== b,
    (a, b) => (a !== b ? 1 : 2),
    (a, b) => (a !== b && a) || (b !== a && b),
    (a, b) => (a !== null && b !== null ? 1 : 2),
  ],
  mixed: [
    (a, b) => (a && b) || (b && a) || "neither",
    (a, b) => (a || b) && (b ?? a),
    (a, b) => (a ?? b) || (a && !b),
    (a, b) => ((a === undefined || a === null) && b ? [a] : typeof a === "function" || typeof b === "undefined"),
    (a, b) => {
      switch (a) {
        case b:
          return "same";
        case undefined:
          return "undefined";
        case "a":
          return "a";
        case 1:
        case -1:
          return "one";
        default:
          return "other";
      }
    },
    (a, b) => {
      let c;
      c ??= a;
      c &&= b;
      c ||= "end";
      return c;
    },
    (a, b) => {
      let t = "";
      for (const x of [a, b, a]) {
        if (!x) continue;
        if (x === b) {
          t += "b";
          continue;
        }
        t += "x";
      }
      return t;
    },
  ],
  far: [
    (a, b) => {
      let t = "";
      if (a && b) {
        t += a === b ? "1" : "2";
        t += a !== b ? "3" : "4";
        t += a == b ? "5" : "6";
        t += a === undefined ? "7" : "8";
        t += b === null ? "9" : "0";
        t += typeof a === "function" ? "f" : "g";
        t += typeof b === "undefined" ? "u" : "v";
        t += a && "q";
        t += b || "r";
        t += a ?? b ?? "s";
        t += a ? "A" : "B";
        t += !b ? "C" : "D";
        t += [a, b].length;
        t += typeof a;
        t += typeof b;
        t += a && b && "E";
        t += a || b || "F";
      } else if (a || b) {
        t += a === b ? "h" : "i";
        t += a !== b ? "j" : "k";
        t += a == b ? "l" : "m";
        t += a === undefined ? "n" : "o";
        t += b === null ? "p" : "q";
        t += typeof a === "function" ? "w" : "x";
        t += typeof b === "undefined" ? "y" : "z";
        t += typeof (a && "q");
        t += typeof (b || "r");
      } else t = "none";
      return t;
    },
  ],
};

export function branches() {
  const thing = {};
  const all = [...values(), thing, [], Base, 1n, new Number(1), "a".concat(""), ["a"].join("") + ""];
  for (const [operator, uses] of Object.entries(binary)) {
    for (const [index, use] of uses.entries()) {
      for (const [i, a] of all.entries()) {
        const row = [];
        for (const b of all)
          row.push(
            show(
              attempt(() => use(a, b)),
              2,
            ),
          );
        line(`${operator} ${index} ${i}: ${row.join(" ")}`);
      }
    }
  }
  const unary = [
    (a) => !a,
    (a) => !!a,
    (a) => (a ? 1 : 2),
    (a) => (!a ? 1 : 2),
    (a) => a === undefined,
    (a) => (a === null ? 1 : 2),
    (a) => typeof a === "function",
    (a) => (typeof a === "undefined" ? 1 : 2),
    (a) => a ?? "d",
    (a) => a?.length ?? "none",
    (a) => {
      while (!a) return "falsy";
      return "truthy";
    },
  ];
  for (const use of unary)
    line(
      all
        .map((a) =>
          show(
            attempt(() => use(a)),
            2,
          ),
        )
        .join(" "),
    );
}
