/* oxlint-disable */
// Calls of all that can be called, and of what cannot.
import { line, report, show } from "./report.js";
import { Base } from "./values.js";

export function calls() {
  const noted = function (x, y = "default", ...rest) {
    return [typeof this, arguments.length, x, y, rest.length];
  };
  const tail = (f, ...args) => f(...args);
  const tailMethod = (o, x) => o.f(x);
  const tailPlain = (f, x) => f(x);
  const tailNative = (o) => o.push(o.length);
  const callables = [
    noted,
    (x) => x,
    Math.max,
    [].push,
    Base,
    new Proxy(noted, {}),
    new Proxy(Math.min, { apply: () => "trapped" }),
    noted.bind("bound", 1),
    Symbol,
    Map,
    function* () {
      yield this;
    },
    async () => 1,
    Reflect.get,
    "".charCodeAt,
    {},
    1,
    null,
    undefined,
    "f",
  ];
  for (const [index, f] of callables.entries()) {
    for (const count of [0, 1, 2, 5]) {
      const args = Array.from({ length: count }, (_, i) => i);
      report(`call ${index}/${count}`, () => tail(f, ...args));
      report(`method ${index}/${count}`, () => ({ f }).f(...args));
      report(`new ${index}/${count}`, () => new f(...args));
    }
    report(`none ${index}`, () => f());
    report(`one ${index}`, () => tailPlain(f, 1));
    report(`tail method ${index}`, () => tailMethod({ f }, 1));
    report(`two ${index}`, () => f(1, 2));
    report(`apply ${index}`, () => Reflect.apply(f, "this", [1]));
  }
  report("tail native", () => tailNative([1, 2]));
  report("undeclared", () => undeclared);
  report("its type", () => typeof undeclared);
  report("assigned", () => {
    undeclared = 1;
  });
  globalThis.declaredLate = 2;
  report("declared late", () => [
    declaredLate,
    typeof declaredLate,
    (declaredLate = 3),
    declaredLate,
    delete globalThis.declaredLate,
  ]);
  report("gone", () => declaredLate);
  const thrower = () => {
    throw new EvalError("deep");
  };
  const through = (n) => (n === 0 ? thrower() : through(n - 1) + 1);
  for (const work of [
    () => through(3),
    () => [1].map(thrower),
    () => null.x,
    () => undefined.f(),
    () => ({}).f(),
    () => "".nothing(),
    () => new Proxy({}, { get: thrower }).x,
  ]) {
    try {
      work();
      line("no error");
    } catch (error) {
      line(
        show(error) +
          " | " +
          String(error.stack)
            .split("\n")
            .map((l) => l.trim())
            .join(" < "),
      );
    }
  }
  const deep = (n) => (n === 0 ? 0 : 1 + deep(n - 1));
  report("deep", () => deep(500));
  report("endless", () => {
    const endless = () => endless() + 1;
    return endless();
  });
  report("endless getter", () => {
    const o = {
      get a() {
        return this.a;
      },
    };
    return o.a;
  });
  report("callbacks", () =>
    [3, 1, 2]
      .map((x, i, all) => x * i + all.length)
      .filter((x) => x !== 4)
      .reduce((a, b) => a + b, 0),
  );
  report("sorted", () => [3, 1, undefined, 2, "10", 9].sort() + "|" + [3, 1, 2].sort((a, b) => b - a));
  report("finally", () => {
    const t = [];
    for (let i = 0; i < 4; i += 1) {
      try {
        if (i === 1) continue;
        if (i === 3) break;
        t.push(i);
      } finally {
        t.push("f" + i);
      }
    }
    return t;
  });
  report("finally returns", () => {
    try {
      return thrower();
    } catch {
      return "caught";
    } finally {
      line("finally");
    }
  });
  report("arguments", () =>
    (function (a) {
      arguments[0] = 2;
      return [a, arguments.length, [...arguments]];
    })(1, 2),
  );
}
