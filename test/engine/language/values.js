/* oxlint-disable */
// Values and objects of all kinds.
import { line, show } from "./report.js";

export const symbol = Symbol("symbol");
export const wide = "\u0416\u4e2d";
export function rope(text) {
  let whole = "";
  for (let i = 0; i < 600; i += 1) whole = text + i + whole + "-";
  return whole;
}
export const values = () => [
  0,
  -0,
  1,
  -1,
  2,
  7,
  255,
  256,
  2147483647,
  -2147483648,
  2147483648,
  4294967295,
  4294967296,
  0.5,
  -1.5,
  1e21,
  NaN,
  Infinity,
  -Infinity,
  "",
  "a",
  "0",
  "1",
  "-0",
  "-1",
  "01",
  "1.5",
  "NaN",
  "Infinity",
  "-Infinity",
  "1e21",
  "length",
  "abc",
  wide,
  "a" + wide,
  rope("x"),
  true,
  false,
  null,
  undefined,
  symbol,
  Symbol.iterator,
  0n,
  1n,
  -1n,
  123456789012345678901234567890n,
];

export class Base {
  method(...all) {
    return ["base", all.length, typeof this];
  }
  get accessor() {
    return ["accessor", typeof this];
  }
  set accessor(value) {
    line("setter gets " + show(value));
  }
  get thrower() {
    throw new RangeError("thrown");
  }
  static a = 1;
}
export class Derived extends Base {
  b = 2;
}

export function zoo() {
  const withProto = { __proto__: { a: 1, accessor: 2 }, b: 3 };
  const proxied = new Proxy(
    { a: 1, b: 2 },
    {
      get: (t, k) => `proxy ${String(k)}`,
      set: (t, k, v) => {
        line(`proxy sets ${String(k)}`);
        t[k] = v;
        return true;
      },
      has: (t, k) => k !== "b",
      deleteProperty: () => false,
      defineProperty: (t, k, d) => {
        line(`proxy defines ${String(k)}`);
        return Reflect.defineProperty(t, k, d);
      },
    },
  );
  const holes = [1, , 3];
  const slow = [1, 2, 3];
  Object.defineProperty(slow, 1, { get: () => "slow", configurable: true });
  const sparse = [];
  sparse[100000] = 1;
  const fixedLength = Object.defineProperty([1, 2], "length", { writable: false });
  const getterOnly = Object.defineProperty({}, "a", { get: () => 5 });
  const readOnly = Object.defineProperty({}, "a", { value: 6 });
  const typedWithName = new Uint8Array([1, 2, 3]);
  typedWithName.a = "named";
  const args = (function () {
    return arguments;
  })(1, 2, 3);
  function plainFunction(x, y) {
    return [x, y];
  }
  return {
    plain: { a: 1 },
    empty: {},
    nullProto: Object.assign(Object.create(null), { a: 1 }),
    withProto,
    overArray: Object.create([7, 8]),
    overTyped: Object.create(new Uint8Array([9])),
    overProxy: Object.create(proxied),
    overString: Object.create(new String("abc")),
    overGetter: Object.create(getterOnly),
    overReadOnly: Object.create(readOnly),
    getterOnly,
    readOnly,
    frozen: Object.freeze({ a: 1 }),
    sealed: Object.seal({ a: 1 }),
    closed: Object.preventExtensions({ a: 1 }),
    base: new Base(),
    derived: new Derived(),
    classes: Derived,
    array: [1, 2, 3],
    holes,
    slow,
    sparse,
    fixedLength,
    frozenArray: Object.freeze([1, 2]),
    emptyArray: [],
    i8: new Int8Array([-1, 2]),
    u8: new Uint8Array([1, 2]),
    u8c: new Uint8ClampedArray([1, 2]),
    i16: new Int16Array([-1, 2]),
    u16: new Uint16Array([65535, 2]),
    i32: new Int32Array([-1, 2]),
    u32: new Uint32Array([4294967295, 2]),
    f32: new Float32Array([0.5, -0]),
    f64: new Float64Array([NaN, 2.5]),
    i64: new BigInt64Array([-1n, 2n]),
    u64: new BigUint64Array([1n, 2n]),
    emptyTyped: new Uint8Array(0),
    typedWithName,
    shifted: new Uint32Array(new ArrayBuffer(12), 4, 1),
    view: new DataView(new ArrayBuffer(4)),
    buffer: new ArrayBuffer(2),
    args,
    proxied,
    function: plainFunction,
    arrow: (x) => x,
    bound: plainFunction.bind(1, 2),
    native: Math.max,
    string: "abc",
    wideString: wide,
    ropeString: rope("r"),
    emptyString: "",
    stringObject: new String("abc"),
    number: 5,
    numberObject: new Number(5),
    boolean: true,
    bigint: 5n,
    symbol,
    symbolObject: Object(symbol),
    null: null,
    undefined: undefined,
    regexp: /a/g,
    error: new TypeError("e"),
    map: new Map([[1, 2]]),
    set: new Set([1]),
    date: new Date(0),
    module: loadModule("people.js"),
    generator: (function* () {
      yield 1;
    })(),
    promise: Promise.resolve(1),
    manyNames: Object.fromEntries(Array.from({ length: 70 }, (_, i) => ["name" + i, i])),
  };
}
