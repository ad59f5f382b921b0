/* oxlint-disable */
// Iteration and generators.
import { attempt, line, report, show } from "./report.js";

export function iteration() {
  const noisy = (items, extra = {}) => ({
    [Symbol.iterator]() {
      let i = 0;
      return {
        next() {
          line("next");
          return { done: i >= items.length, value: items[i++] };
        },
        return(v) {
          line("return " + show(v));
          return extra.bad ? 1 : {};
        },
        ...extra,
      };
    },
  });
  report("break", () => {
    for (const x of noisy([1, 2, 3])) if (x === 2) break;
  });
  report("throw", () => {
    for (const x of noisy([1, 2])) throw new Error("in loop");
  });
  report("bad return", () => {
    for (const x of noisy([1, 2], { bad: true })) break;
  });
  report("return throws", () => {
    for (const x of noisy([1], {
      return() {
        throw new Error("return");
      },
    }))
      break;
  });
  report("destructuring", () => {
    const [a, , b = "d", ...rest] = noisy([1, 2, undefined, 4, 5]);
    return [a, b, rest];
  });
  report("partial", () => {
    const [a] = noisy([1, 2]);
    return a;
  });
  report("spread", () => [...noisy([1, 2]), ..."a\u{1f600}b", ...new Set([1, 1]), ...new Map([[1, 2]])]);
  report("none", () => [...{}]);
  report("null", () => {
    const [a] = null;
  });
  report("growing", () => {
    const all = [1, 2];
    const seen = [];
    for (const x of all) {
      seen.push(x);
      if (all.length < 5) all.push(x * 10);
    }
    return seen;
  });
  report("shrinking", () => {
    const all = [1, 2, 3, 4];
    const seen = [];
    for (const x of all) {
      seen.push(x);
      all.length = 2;
    }
    return seen;
  });
  report("typed", () => {
    const seen = [];
    for (const x of new Uint32Array([1, 4294967295])) seen.push(x);
    return seen;
  });
  report("entries", () => [...["a", , "b"].entries()].join("|"));
  const next = Object.getPrototypeOf([][Symbol.iterator]()).next;
  Object.getPrototypeOf([][Symbol.iterator]()).next = function () {
    line("patched");
    return next.call(this);
  };
  report("patched", () => {
    let sum = 0;
    for (const x of [1, 2]) sum += x;
    return sum;
  });
  Object.getPrototypeOf([][Symbol.iterator]()).next = next;
  function* generator(n) {
    try {
      for (let i = 0; i < n; i += 1) {
        const sent = yield i;
        if (sent) line("sent " + show(sent));
      }
      return "end";
    } finally {
      line("generator ends");
    }
  }
  report("generator", () => [...generator(3)]);
  report("generator stops", () => {
    for (const x of generator(5)) if (x === 1) return x;
  });
  report("generator sent", () => {
    const g = generator(5);
    return [g.next(), g.next("hello"), attempt(() => g.throw(new Error("into"))), g.next()].map((x) => show(x));
  });
  report("delegates", () => [
    ...(function* () {
      const result = yield* generator(2);
      yield result;
    })(),
  ]);
  report("for in", () => {
    const seen = [];
    for (const key in Object.create({ b: 1, a: 2 }, { c: { enumerable: true } })) seen.push(key);
    return seen;
  });
}
