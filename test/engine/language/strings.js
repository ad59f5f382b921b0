/* oxlint-disable */
// Strings: comparing, searching, their properties.
import { line, report } from "./report.js";
import { rope, wide } from "./values.js";

export function strings() {
  let grown = "";
  for (let i = 0; i < 300; i += 1) grown += String.fromCharCode(97 + (i % 3));
  const texts = [
    "",
    "a",
    "b",
    "ab",
    "abc",
    "abcabcabcabc",
    "abcabcabcabd",
    "aaaaaaaab",
    "aaaaaaaaa",
    "\u00e9",
    "\u00e9t\u00e9",
    wide,
    wide + "a",
    grown,
    grown.slice(1),
    grown + "",
    rope("ab"),
    rope("ab") + "",
    "a\u0000b",
    "\u0000",
    "length",
    ["len", "gth"].join(""),
    "len".concat("gth"),
    String(12),
    `${1}2`,
  ];
  for (const [i, a] of texts.entries()) {
    line(
      i +
        " === " +
        texts
          .map((b) => Number(a === b) + Number(a == b) * 2 + Number(a !== b) * 4 + Number(Object.is(a, b)) * 8)
          .join(""),
    );
    line(i + " < " + texts.map((b) => Number(a < b) + Number(a <= b) * 2 + Number(a > b) * 4).join(""));
    for (const b of texts) {
      const found = [];
      for (const from of [undefined, 0, 1, 2, -1, 5, a.length, a.length + 1, 1e10, NaN, "1", Infinity, -Infinity])
        found.push(a.indexOf(b, from), a.lastIndexOf(b, from), a.includes(b, from));
      line(`${i} find ${[a.indexOf(b), a.lastIndexOf(b), a.startsWith(b), a.endsWith(b), ...found].join()}`);
    }
    report(
      "split",
      () =>
        a.split("b", 5).join("|") +
        a.replaceAll("a", "[$&]").slice(0, 50) +
        a.at(-1) +
        a.charCodeAt(1) +
        a[0] +
        a[a.length] +
        a["0"],
    );
  }
  report("indexOf of others", () =>
    ["undefined", "null", "1"].map((t) => [t.indexOf(), t.indexOf(undefined), t.indexOf(null), t.indexOf(1)]),
  );
  report("indexOf converts", () =>
    "x1".indexOf(
      {
        toString() {
          line("converted");
          return "1";
        },
      },
      { valueOf: () => 0 },
    ),
  );
  report("indexOf throws", () => "x".indexOf(Symbol()));
  report("indexOf of null", () => String.prototype.indexOf.call(null, "a"));
  const original = String.prototype.slice;
  String.prototype.added = "added";
  Object.defineProperty(String.prototype, "got", {
    get() {
      return typeof this + this;
    },
    configurable: true,
  });
  report("prototype", () => [
    "s".added,
    "s".got,
    wide.got,
    rope("q").added,
    "s".nothing,
    "s".length,
    ""["length"],
    "s".constructor === String,
  ]);
  String.prototype.slice = () => "replaced";
  report("replaced", () => ["abc".slice(1), rope("a").slice(1)]);
  delete String.prototype.slice;
  report("deleted", () => "abc".slice(1));
  Object.defineProperty(String.prototype, "slice", { value: original, writable: true, configurable: true });
  Object.prototype.everywhere = 1;
  report("inherited", () => [
    "s".everywhere,
    (1).everywhere,
    [].everywhere,
    new Uint8Array(1).everywhere,
    (() => 1).everywhere,
    {}.everywhere,
  ]);
  delete Object.prototype.everywhere;
  report("assign to a string", () => {
    "s".x = 1;
  });
  report("assign its length", () => {
    "s".length = 1;
  });
}
