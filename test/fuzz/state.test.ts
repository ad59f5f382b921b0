/** Wild states and configurations: refused with a line, or understood; never a crash, and nothing outside of the root. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Jail, stateInJail, whyNoJail } from "./jail.ts";
import { mutated } from "./mutation.ts";
import { seed, settings, timeout } from "./settings.ts";

const unavailable = whyNoJail();
let jail: Jail;

beforeAll(() => {
  if (unavailable !== undefined) return;
  console.log(`fuzz: seed ${seed}`);
  jail = new Jail();
});
afterAll(() => jail?.remove());

/** Links that a run makes are in the way of none that follows. */
const hooks = fc.constantFrom(
  ["create-symlinks", "--link", "x::/a/b"],
  ["create-symlinks", "--link", "x::/y", "--debug"],
  ["update-ldcache", "--folder", "/usr/lib"],
);

const text = (value: unknown): Uint8Array =>
  new Uint8Array(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));

/** Paths that all lead to the container's root, or nowhere. */
const path = fc.oneof(
  fc.constantFrom(
    "/root",
    "/root/",
    "//root",
    "/bundle/../root",
    "root",
    "../root",
    "/none",
    "",
    "/",
    "/..",
    ".",
    "/root\u0000",
    "/r\u00f6\u00f6t",
    "\ud800",
  ),
  fc.string({ unit: "binary", maxLength: 20 }).map((tail) => `/none/${tail}`),
);
const value = fc.oneof({ weight: 3, arbitrary: path }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) });
const state = fc.record(
  {
    root: value,
    bundle: value,
    id: fc.jsonValue(),
    status: value,
    pid: fc.jsonValue(),
    annotations: fc.jsonValue({ maxDepth: 6 }),
    __proto__: value,
  },
  { requiredKeys: [] },
);

test(
  "states by description",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const spaced = fc
      .tuple(state, fc.constantFrom(0, 1, "\t", "\r\n"), fc.constantFrom("", "\n", "x", "{}", "\u0000"))
      .map(([one, space, tail]) => JSON.stringify(one, undefined, space) + tail);
    const property = fc.property(hooks, spaced, (args, stdin) => {
      expect(jail.faultsOf(jail.run(args, { stdin }))).toEqual([]);
    });
    fc.assert(property, settings(120));
  },
  timeout,
);

test(
  "states changed here and there",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    jail.clear();
    jail.lookOutside();
    // A root whose name is changed is another directory of the jail, which a hook may then write to: it is in the way of none.
    const original = fc.oneof(fc.constant(text(stateInJail)), state.map(text));
    const property = fc.property(hooks, mutated(original), (args, stdin) => {
      const result = jail.run(args, { stdin });
      const faults = jail
        .faultsOf(result)
        .filter((line) => !line.startsWith("outside of the root") || result.status !== 0);
      expect(faults).toEqual([]);
      jail.lookOutside();
    });
    fc.assert(property, settings(120));
  },
  timeout,
);

test(
  "config.json",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    const config = fc.record(
      {
        root: fc.oneof(fc.record({ path: value, readonly: fc.boolean() }), fc.jsonValue()),
        mounts: fc.jsonValue(),
        hooks: fc.jsonValue({ maxDepth: 5 }),
      },
      { requiredKeys: [] },
    );
    const content = fc.oneof(
      config.map(text),
      mutated(fc.constant(text({ ociVersion: "1.0.2", root: { path: "/root", readonly: true } }))),
    );
    const property = fc.property(hooks, content, (args, bytes) => {
      writeFileSync(join(jail.path, "jail/bundle/config.json"), bytes);
      jail.lookOutside();
      const result = jail.run(args, { stdin: JSON.stringify({ bundle: "/bundle" }) });
      const faults = jail
        .faultsOf(result)
        .filter((line) => !line.startsWith("outside of the root") || result.status !== 0);
      expect(faults).toEqual([]);
    });
    fc.assert(property, settings(120));
  },
  timeout,
);

test(
  "random bytes",
  (ctx) => {
    if (unavailable !== undefined) return ctx.skip(unavailable);
    jail.lookOutside();
    const input = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ maxLength: 300 }).map((tail) => text(`{"root":"/root"${tail}`)),
    );
    const property = fc.property(hooks, input, (args, stdin) => {
      expect(jail.faultsOf(jail.run(args, { stdin }))).toEqual([]);
    });
    fc.assert(property, settings(80));
  },
  timeout,
);
