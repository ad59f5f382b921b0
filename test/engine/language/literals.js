/* oxlint-disable */
// Literals, fields and classes.
import { report, line } from "./report.js";
import { Base, symbol, zoo } from "./values.js";

export function literals() {
  const key = "computed";
  report("duplicates", () => ({ a: 1, a: 2, b: 3 }));
  report("numbers", () => ({ 1: 1, 0: 0, "01": 2, 4294967295: 3, a: 4, 2: 5 }));
  report("accessor then value", () => ({
    get a() {
      return 1;
    },
    a: 2,
  }));
  report("value then accessor", () => ({
    a: 1,
    get a() {
      return 2;
    },
    set a(v) {},
  }));
  report("proto", () => Object.getPrototypeOf({ __proto__: null, a: 1 }));
  report("proto own", () => ({ ["__proto__"]: 1 }));
  report("proto shorthand", () => {
    const __proto__ = 5;
    return { __proto__ };
  });
  report("computed", () => ({ [key]: 1, [symbol]: 2, [1.5]: 3, [`${key}2`]: 4 }));
  report("spread", () => ({
    a: 1,
    ...{
      a: 2,
      get b() {
        return 3;
      },
    },
    ..."hi",
    ...[7],
    ...null,
    c: 4,
  }));
  report(
    "method",
    () =>
      ({
        m() {
          return super.toString;
        },
      }).m() === Object.prototype.toString,
  );
  report("long", () => ({ a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7, h: 8, i: 9, j: 10, k: 11, l: 12, m: 13 }));
  Object.defineProperty(Object.prototype, "inherited", {
    set() {
      line("inherited setter");
    },
    get: () => "inherited",
    configurable: true,
  });
  report("literal over setter", () => ({ inherited: 1 }));
  report("assign over setter", () => {
    const o = {};
    o.inherited = 1;
    return o;
  });
  delete Object.prototype.inherited;
  Object.defineProperty(Object.prototype, "fixed", { value: 1, configurable: true });
  report("literal over read-only", () => ({ fixed: 2 }));
  report("assign over read-only", () => {
    const o = {};
    o.fixed = 2;
    return o;
  });
  delete Object.prototype.fixed;

  const giving = function (object) {
    return object;
  };
  const fields = [
    class extends giving {
      a = 1;
    },
    class extends giving {
      a = 1;
      b = 2;
      [symbol] = 3;
      0 = 4;
    },
    class extends giving {
      length = 5;
    },
    class extends giving {
      #p = 1;
      p() {
        return this.#p;
      }
      static has(o) {
        return #p in o;
      }
    },
    class extends giving {
      #m() {
        return "brand";
      }
      m() {
        return this.#m();
      }
      get v() {
        return this.#w;
      }
      get #w() {
        return 8;
      }
    },
  ];
  for (const [index, Fields] of fields.entries()) {
    for (const kind of Object.keys(zoo())) {
      const target = zoo()[kind];
      report(`fields ${index} on ${kind}`, () => new Fields(target));
      report("  again", () => new Fields(target));
      report("  private", () => Fields.prototype.p?.call(target) ?? Fields.prototype.m?.call(target));
      report("  has", () => Fields.has?.(target));
    }
  }
  class Private {
    #field = 1;
    static #shared = 2;
    #gone;
    get #both() {
      return this.#field;
    }
    set #both(v) {
      this.#field = v;
    }
    #method(x) {
      return [x, this.#field];
    }
    run(other) {
      this.#both += 5;
      this.#field ??= 1;
      this.#gone ||= 3;
      return [other.#method(1), other.#both, Private.#shared, this.#gone];
    }
    write(other) {
      other.#method = 1;
    }
    static {
      this.block = this.#shared;
    }
  }
  report("private", () => new Private().run(new Private()));
  for (const other of [{}, 1, null, undefined, "s", [], Private, new Proxy(new Private(), {})])
    report("private of another", () => new Private().run(other));
  report("private method is fixed", () => new Private().write(new Private()));
  report("static block", () => Private.block);
  report("no new", () => Private());
  report(
    "derived this",
    () =>
      new (class extends Base {
        constructor() {
          return this;
        }
      })(),
  );
  report(
    "derived twice",
    () =>
      new (class extends Base {
        constructor() {
          super();
          super();
        }
      })(),
  );
  report(
    "derived returns",
    () =>
      new (class extends Base {
        constructor() {
          super();
          return 1;
        }
      })(),
  );
  report("super", () => {
    class S extends Base {
      method() {
        return [super.method(1), super.nothing, super.accessor];
      }
    }
    return new S().method();
  });
  report("super set", () => {
    class S extends Base {
      go() {
        super.accessor = 1;
        super.fresh = 2;
        return this;
      }
    }
    return new S().go();
  });
}
