import { expect, test } from "vitest";

const script: string = new URL("private-names.mjs", import.meta.url).href;
const { withoutPrivateNames } = (await import(script)) as {
  withoutPrivateNames: (path: string, text: string) => string;
};

test("each class has names of its own, and text stays as it is", () => {
  const made = withoutPrivateNames(
    "a.ts",
    `class A { #x = 1; static #s = "#x"; get #y(): number { return this.#x; } f(o: A) { return o.#y + \`#x \${A.#s} é \${o?.#x}\`; } }
class B extends A { #x = class { #x = 2; g(b: B) { return [b.#own(), this.#x]; } }; #own() { return this.#x; } }`,
  );
  expect(made).toBe(
    `class A { $private_a_ts_0_x = 1; static $private_a_ts_0_s = "#x"; get $private_a_ts_0_y(): number { return this.$private_a_ts_0_x; } f(o: A) { return o.$private_a_ts_0_y + \`#x \${A.$private_a_ts_0_s} é \${o?.$private_a_ts_0_x}\`; } }
class B extends A { $private_a_ts_126_x = class { $private_a_ts_151_x = 2; g(b: B) { return [b.$private_a_ts_126_own(), this.$private_a_ts_151_x]; } }; $private_a_ts_126_own() { return this.$private_a_ts_126_x; } }`,
  );
});

test("whether an object has a private name cannot be asked", () => {
  expect(() => withoutPrivateNames("a.ts", "class A { #x; f(o: object) { return #x in o; } }")).toThrow("#x in");
});
