import type { Hook } from "./hook.ts";

/** Does nothing, and reads nothing: for trying out whether a runtime starts hooks. */
export const noop: Hook = {
  name: "noop",
  summary: "Do nothing.",
  flags: [],
  hidden: true,
  run: () => undefined,
};
