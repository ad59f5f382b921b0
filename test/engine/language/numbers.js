/* oxlint-disable */
// Arithmetic.
import { attempt, line, report, show } from "./report.js";

export function numbers() {
  const some = [
    0,
    -0,
    1,
    -1,
    3,
    2147483647,
    -2147483648,
    4294967296,
    0.5,
    NaN,
    Infinity,
    "2",
    "x",
    null,
    undefined,
    true,
    2n,
    -3n,
  ];
  const operations = {
    "+": (a, b) => a + b,
    "-": (a, b) => a - b,
    "*": (a, b) => a * b,
    "/": (a, b) => a / b,
    "%": (a, b) => a % b,
    "**": (a, b) => a ** b,
    "&": (a, b) => a & b,
    "|": (a, b) => a | b,
    "^": (a, b) => a ^ b,
    "<<": (a, b) => a << b,
    ">>": (a, b) => a >> b,
    ">>>": (a, b) => a >>> b,
    "+=": (a, b) => {
      let c = a;
      c += b;
      return c;
    },
    "++": (a) => {
      let c = a;
      const d = c++;
      return [d, ++c, -c, +d, ~c, c--, --c].map((x) => show(x)).join();
    },
  };
  for (const [name, operation] of Object.entries(operations))
    for (const a of some)
      line(`${show(a)} ${name}: ` + some.map((b) => show(attempt(() => operation(a, b)))).join(" "));
  let sum = 0;
  for (let i = -200; i < 200; i += 1) sum += i * i - (i & 7) + (i >> 1);
  report("sum", () => sum);
  report("literals", () => [
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, -2, 127, 128, -128, -129, 32767, 32768, 65536, 1e9, 2147483648,
  ]);
}
