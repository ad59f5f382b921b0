/* oxlint-disable */
// Reading, assigning and defining properties.
import { attempt, line, pick, random, report, show } from "./report.js";
import { Base, Derived, symbol, values, zoo } from "./values.js";

const readers = {
  a: (o) => o.a,
  b: (o) => o.b,
  length: (o) => o.length,
  name: (o) => o.name,
  constructor: (o) => o.constructor,
  toString: (o) => o.toString,
  push: (o) => o.push,
  slice: (o) => o.slice,
  subarray: (o) => o.subarray,
  prototype: (o) => o.prototype,
  __proto__: (o) => typeof o.__proto__,
  Infinity: (o) => o.Infinity,
  NaN: (o) => o.NaN,
  nothing: (o) => o.nothing,
  accessor: (o) => o.accessor,
  thrower: (o) => o.thrower,
  size: (o) => o.size,
  0: (o) => o[0],
  1: (o) => o[1],
  m1: (o) => o[-1],
  half: (o) => o[0.5],
  big: (o) => o[4294967296],
  s0: (o) => o["0"],
  "s-0": (o) => o["-0"],
  s01: (o) => o["01"],
  symbol: (o) => o[symbol],
  iterator: (o) => o[Symbol.iterator],
  called: (o) => o.method(1, 2),
  calledA: (o) => o.a(3),
  calledToString: (o) => o.toString(),
  calledIndexOf: (o) => o.indexOf("b"),
  optional: (o) => o?.a?.b,
  optionalCall: (o) => o.a?.(1),
  destructured: ({ a, length, ...rest }) => [a, length, rest],
};
const writers = {
  a: (o, v) => {
    o.a = v;
  },
  b: (o, v) => {
    o.b = v;
  },
  length: (o, v) => {
    o.length = v;
  },
  name: (o, v) => {
    o.name = v;
  },
  nothing: (o, v) => {
    o.nothing = v;
  },
  accessor: (o, v) => {
    o.accessor = v;
  },
  __proto__: (o, v) => {
    o.__proto__ = v;
  },
  Infinity: (o, v) => {
    o.Infinity = v;
  },
  0: (o, v) => {
    o[0] = v;
  },
  1: (o, v) => {
    o[1] = v;
  },
  5: (o, v) => {
    o[5] = v;
  },
  m1: (o, v) => {
    o[-1] = v;
  },
  half: (o, v) => {
    o[0.5] = v;
  },
  symbol: (o, v) => {
    o[symbol] = v;
  },
  added: (o, v) => {
    o.a += v;
  },
  counted: (o) => o.a++,
  defaulted: (o, v) => (o.b ??= v),
  either: (o, v) => (o.b ||= v),
  both: (o, v) => (o.a &&= v),
};

export function accessByName() {
  for (const kind of Object.keys(zoo())) {
    for (const [name, read] of Object.entries(readers)) report(`read ${kind}.${name}`, () => read(zoo()[kind]));
    for (const [name, write] of Object.entries(writers)) {
      for (const value of [1, "v", undefined, { o: 1 }, 300, -1.5, 2n]) {
        const target = zoo()[kind];
        report(`write ${kind}.${name} = ${show(value)}`, () => write(target, value));
        line("  then " + show(attempt(() => show(target))) + show(attempt(() => readers.a(target))));
      }
    }
  }
}

/** What every object inherits, under names that are numbers to a typed array. */
export function inheritedNumbers() {
  for (const name of ["Infinity", "NaN", "-0", "-1", "7", "1.5", "01", "a", "Inf", "nothing"]) {
    Object.prototype[name] = "inherited";
    for (const kind of [
      "plain",
      "array",
      "u8",
      "f64",
      "i64",
      "typedWithName",
      "overTyped",
      "args",
      "string",
      "function",
    ]) {
      const object = zoo()[kind];
      report(`${name} of ${kind}`, () => [
        object[name],
        object.Infinity,
        object.NaN,
        object.a,
        object.Inf,
        object.nothing,
      ]);
    }
    delete Object.prototype[name];
  }
}

export function accessByValue() {
  for (const [kind, target] of Object.entries(zoo())) {
    for (const key of values()) report(`read ${kind}[${show(key)}]`, () => target[key]);
    for (const key of values()) report(`${show(key)} in ${kind}`, () => key in target);
    for (const key of values()) {
      report(`write ${kind}[${show(key)}]`, () => {
        target[key] = 3;
        return target[key];
      });
      report(`delete ${kind}[${show(key)}]`, () => delete target[key]);
    }
    report(`${kind} at last`, () => target);
  }
  for (const kind of ["i8", "u8", "u8c", "i16", "u16", "i32", "u32", "f32", "f64", "i64", "u64"]) {
    const target = zoo()[kind];
    for (const value of values())
      report(`${kind}[1] = ${show(value)}`, () => {
        target[1] = value;
        return target[1];
      });
    for (const bits of [0, 1, 0x7fffffff, 0x80000000, 0xffffffff])
      report(`${kind} sums`, () => {
        target[0] = bits;
        return target[0] + 1;
      });
  }
}

/** A walk over operations, with reading by all names after each. */
export function changingObjects() {
  const names = ["a", "b", "length", "nothing", "0", "1", "accessor", symbol];
  let objects = [
    {},
    { a: 1 },
    [1, 2],
    new Uint8Array(2),
    Object.create({ a: 9 }),
    new Derived(),
    function f() {},
    "text",
  ];
  for (let step = 0; step < 4000; step += 1) {
    const at = random(objects.length);
    const object = objects[at];
    const name = pick(names);
    const value = pick([1, "two", undefined, null, -0.5, [3], () => 4]);
    const operation = random(16);
    report(`${step} ${operation} on ${at}.${String(name)}`, () => {
      switch (operation) {
        case 0:
          return pick(Object.values(writers))(object, value);
        case 1:
          return (object[name] = value);
        case 2:
          return delete object[name];
        case 3:
          return Object.defineProperty(object, name, { value, configurable: random(2) > 0, writable: random(2) > 0 });
        case 4:
          return Object.defineProperty(object, name, { get: () => "got", configurable: true });
        case 5:
          return Object.defineProperty(object, name, { enumerable: random(2) > 0 });
        case 6:
          return Object.setPrototypeOf(
            object,
            pick([null, Object.prototype, Array.prototype, objects[random(at + 1)]]),
          );
        case 7:
          return Reflect.set(object, name, value, objects[random(objects.length)]);
        case 8:
          return random(20) === 0 ? Object.freeze(object) : Object.isFrozen(object);
        case 9:
          return random(20) === 0 ? Object.preventExtensions(object) : Object.isSealed(object);
        case 10:
          return (objects[at] = { ...object });
        case 11:
          return (objects[at] = Object.create(objects[random(objects.length)]));
        case 12:
          return (objects[at] = pick([
            { a: 1, b: 2 },
            { b: 2, a: 1 },
            { __proto__: object },
            [],
            new Int32Array(3),
            new Derived(),
          ]));
        case 13:
          return Object.assign(object, { a: value, b: value });
        case 14: {
          let text = "";
          for (const key in object) text += key + ",";
          return text;
        }
        default:
          return pick([Base.prototype, Object.create(null), objects]) === object;
      }
    });
    for (const reader of ["a", "b", "length", "nothing", "accessor", "0", "symbol", "toString"])
      line(show(attempt(() => readers[reader](object))));
  }
}

export function manyProperties() {
  const object = {};
  for (let i = 0; i < 200; i += 1) object["p" + i] = i;
  for (let i = 0; i < 200; i += 3) delete object["p" + i];
  for (let i = 0; i < 200; i += 6) object["p" + i] = -i;
  report("many", () => Object.entries(object).join(";"));
  const twins = Array.from({ length: 5 }, () => ({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 }));
  delete twins[1].c;
  twins[2].g = 7;
  Object.freeze(twins[3]);
  Object.defineProperty(twins[4], "a", { get: () => "got" });
  for (const twin of twins) report("twin", () => [twin.a, twin.c, twin.g, Object.keys(twin).join()]);
}
