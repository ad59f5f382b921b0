/** The numbers of the first thing in a text that looks like a version: `runc version 1.1.5+ds1` gives 1, 1, 5. */
export function versionNumbers(text: string): readonly number[] | undefined {
  const found = /(?:^|[^0-9A-Za-z.])v?(\d{1,9}(?:\.\d{1,9}){1,3})/.exec(text)?.[1];
  return found?.split(".").map(Number);
}

/** Whether a version is at least another one; numbers that are missing are 0. */
export function isAtLeast(version: readonly number[], least: readonly number[]): boolean {
  for (const [at, number] of least.entries()) {
    const own = version[at] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}
