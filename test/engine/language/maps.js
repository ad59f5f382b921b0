/* oxlint-disable */
// Keys of Map and Set.
import { attempt, line, report, show } from "./report.js";
import { Base, rope, values, wide } from "./values.js";

export function maps() {
  const map = new Map();
  const set = new Set();
  const keys = [
    ...values(),
    {},
    [],
    Base,
    "abc" + wide,
    rope("k"),
    0.1 + 0.2,
    -0,
    2 ** 53,
    123456789012345678901234567890n,
  ];
  for (const key of keys) {
    map.set(key, map.size);
    set.add(key);
  }
  line(`sizes ${map.size} ${set.size}`);
  for (const key of keys) line(`${show(key)} ${map.get(key)} ${set.has(key)}`);
  let text = "k";
  for (let i = 0; i < 40; i += 1) {
    line(`${text.length} ${map.has(text)} ${map.get(text)}`);
    map.set(text, i);
    map.has((text += String.fromCharCode(97 + (i % 26))));
    if (i % 7 === 0) text = text.slice(1);
    const alike = text.split("").join("");
    line(`alike ${map.has(alike) === map.has(text)} ${map.get(alike)} ${map.get(text)}`);
  }
  let inPlace = "".padStart(20, "x");
  for (let i = 0; i < 30; i += 1) {
    const before = map.has(inPlace);
    inPlace += i % 2 ? "y" : wide[0];
    map.set(inPlace, i);
    line(`${before} ${map.has(inPlace)} ${map.get(inPlace.slice(0, -1) + inPlace.at(-1))}`);
  }
  // One text that grows where it lies, after its hash was asked for, and others that say the same.
  const grown = new Map(Array.from({ length: 40 }, (_, length) => ["g".repeat(length), length]));
  let growing = "g".repeat(3);
  for (let i = 0; i < 30; i += 1) {
    const before = grown.get(growing);
    growing += "g";
    line(`${before} ${grown.get(growing)} ${growing.length}`);
  }
  // Long texts that are put together when they are needed, and the same in one piece.
  const long = "long ".repeat(4000);
  for (let i = 0; i < 8; i += 1) {
    const pieces = long + rope("r" + i) + i;
    const whole = [long + rope("r" + i) + i].join("");
    const found = new Map([[pieces, 1]]).get(whole);
    line(`${pieces.length} ${found} ${new Map([[whole, 2]]).get(long + rope("r" + i) + i)} ${pieces === whole}`);
  }
  const named = { fromProgram: 1, ["from" + "Data"]: 2 };
  for (const key of Object.keys(named)) map.set(key, key);
  report("atoms", () => [
    map.get("fromProgram"),
    map.get("from" + ["Data"].join("")),
    map.get(["from", "Program"].join("")),
  ]);
  for (const key of keys.slice(10, 30)) line(`delete ${show(key)} ${map.delete(key)} ${map.delete(key)}`);
  report("order", () => [...map.keys()].map((key) => show(key, 2)).join(" "));
  report("while walking", () => {
    const m = new Map([
      ["a", 1],
      ["b", 2],
    ]);
    const seen = [];
    for (const [key] of m) {
      seen.push(key);
      if (m.size < 6) m.set(key + key, 1);
      m.delete("b");
    }
    return seen;
  });
  const weak = new WeakMap([[map, 1]]);
  report("weak", () => [weak.get(map), weak.has({}), attempt(() => weak.set("s", 1))]);
  report("grouped", () => [...Map.groupBy([1, 2, 3, "1"], (x) => typeof x)].map(([k, v]) => k + v));
}
