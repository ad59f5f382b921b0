/* oxlint-disable */
// Arrays, and searching in them.
import { report, show } from "./report.js";
import { zoo } from "./values.js";

export function arrays() {
  const make = [
    () => [],
    () => [1, 2, 3],
    () => [1, , 3],
    () => Object.freeze([1]),
    () => Object.preventExtensions([1]),
    () => Object.defineProperty([1, 2], "length", { writable: false }),
    () => new (class extends Array {})(1, 2, 3),
    () => {
      const a = [1, 2];
      a.extra = 1;
      a[5] = 6;
      return a;
    },
  ];
  const works = [
    (a) => a.push(7, 8),
    (a) => {
      a[a.length] = 9;
    },
    (a) => {
      a[a.length + 2] = 9;
    },
    (a) => {
      a.length = 1;
    },
    (a) => {
      a.length = 5;
    },
    (a) => {
      a.length = -1;
    },
    (a) => {
      a.length = "2";
    },
    (a) => a.pop(),
    (a) => a.shift(),
    (a) => a.unshift(0),
    (a) => a.splice(1, 1, "x", "y"),
    (a) => delete a[0],
    (a) => {
      a[0] = "z";
    },
    (a) => {
      a["1"] = "z";
    },
    (a) => {
      a["01"] = "z";
    },
    (a) => {
      a[2 ** 32 - 2] = 1;
    },
    (a) => {
      a[2 ** 32 - 1] = 1;
    },
    (a) => Object.defineProperty(a, 1, { value: 1, writable: false }),
    (a) => Object.setPrototypeOf(a, { 1: "proto", push: 5 }),
    (a) => a.fill(4),
    (a) => a.reverse(),
    (a) => a.concat([1], 2),
    (a) => a.flat(),
    (a) => a.copyWithin(0, 1),
  ];
  for (const [i, fresh] of make.entries()) {
    for (const [j, work] of works.entries()) {
      const array = fresh();
      report(`array ${i} ${j}`, () => work(array));
      report("  then", () => [
        array.length,
        array[0],
        array[1],
        array[2],
        array.at(-1),
        array.push,
        Object.keys(array).join(),
      ]);
      for (const next of [0, 1, 4, 7]) report("  and", () => works[next](array));
      report("  then", () => array);
    }
  }
  for (const search of [1, "1", NaN, undefined, null, -0, 3, 1n, 255, 256, -1, 0.5]) {
    for (const kind of [
      "array",
      "holes",
      "slow",
      "i8",
      "u8",
      "u8c",
      "i16",
      "u16",
      "i32",
      "u32",
      "f32",
      "f64",
      "i64",
      "u64",
      "args",
    ]) {
      const a = zoo()[kind];
      report(`search ${kind} ${show(search)}`, () => [
        Array.prototype.indexOf.call(a, search),
        Array.prototype.includes.call(a, search),
        a.indexOf?.(search),
        a.lastIndexOf?.(search),
        a.includes?.(search, 1),
        a.indexOf?.(search, -1),
      ]);
    }
  }
  report("holes inherit", () => {
    Array.prototype[1] = "inherited";
    try {
      const h = [1, , 3];
      h[3] = 4;
      const p = [];
      p[0] = 0;
      p[1] = 1;
      return [h[1], h.length, p.length, [,][1]];
    } finally {
      delete Array.prototype[1];
    }
  });
}
