import type { Parameters } from "fast-check";

const factor = Number(process.env["CDI_HOOK_FUZZ_RUNS"] ?? "1");

/** The seed of this run: CDI_HOOK_FUZZ_SEED, or another one each time. */
export const seed: number = Number(process.env["CDI_HOOK_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

/**
 * fast-check's settings. `runs` is multiplied by CDI_HOOK_FUZZ_RUNS: with 20 all of these tests together try more than
 * 20,000 cases, not counting the files in each. A failure tells seed and path, by which it can be had again.
 */
export function settings<T>(runs: number): Parameters<T> {
  return { seed, numRuns: Math.max(1, Math.round(runs * factor)), endOnFailure: factor > 1 };
}

/** Time for a test, in milliseconds. */
export const timeout: number = 300_000 * Math.max(1, factor);
