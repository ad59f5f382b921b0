/** Start of the reason of a skip that no installation can avoid: a program or sample that only some machines hold. */
export const absentPeer = "absent peer: ";

export interface Skipped {
  readonly test: string;
  /** What the test gave to `context.skip(reason)`; undefined when it gave none. */
  readonly reason: string | undefined;
}

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/** The skips that fail the run when `CDI_HOOK_FORBID_SKIPS=1`: all but those of an absent peer. */
export function forbiddenSkips(skips: readonly Skipped[]): readonly Skipped[] {
  return skips.filter(({ reason }) => !(reason ?? "").startsWith(absentPeer));
}

/** The last line of a test run. */
export function tallyLine({ passed, failed, skipped }: Tally): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/** The skipped tests, one line per reason with the tests that gave it below; empty when nothing was skipped. */
export function skipList(title: string, skips: readonly Skipped[]): string {
  if (skips.length === 0) return "";
  const byReason = new Map<string, string[]>();
  for (const { test, reason } of skips) {
    const heading = reason ?? "no reason given";
    const tests = byReason.get(heading);
    if (tests === undefined) byReason.set(heading, [test]);
    else tests.push(test);
  }
  const lines = [...byReason].map(([reason, tests]) => [`  ${reason}`, ...tests].join("\n    "));
  return `${title}\n${lines.join("\n")}\n`;
}
