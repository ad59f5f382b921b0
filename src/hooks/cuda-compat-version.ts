/** A version of a driver or of CUDA, as a semantic version: numbers as digits without leading zeros, as they may be long. */
export interface Version {
  readonly major: string;
  readonly minor: string;
  readonly patch: string;
  /** What follows `-`, in parts; empty for a release. */
  readonly prerelease: readonly string[];
}

/** Semantic Versioning 2.0, and what drivers have beside: leading zeros (`550.54.08`), no patch or minor, a `v`. */
const form =
  /^v?(\d{1,20})(?:\.(\d{1,20}))?(?:\.(\d{1,20}))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?$/;

/** Undefined when the text is no version: four numbers, for instance. */
export function parseVersion(text: string): Version | undefined {
  const [found, major = "", minor = "0", patch = "0", prerelease] = form.exec(text) ?? [];
  if (found === undefined) return undefined;
  return {
    major: trimmed(major),
    minor: trimmed(minor),
    patch: trimmed(patch),
    prerelease: prerelease?.split(".") ?? [],
  };
}

/** Negative, 0 or positive: precedence of Semantic Versioning 2.0, section 11. */
export function compareVersions(a: Version, b: Version): number {
  return (
    compareNumbers(a.major, b.major) ||
    compareNumbers(a.minor, b.minor) ||
    compareNumbers(a.patch, b.patch) ||
    comparePrereleases(a.prerelease, b.prerelease)
  );
}

/** Two numbers as digits without leading zeros. */
export function compareNumbers(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function comparePrereleases(a: readonly string[], b: readonly string[]): number {
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  for (const [index, left] of a.entries()) {
    const right = b[index];
    if (right === undefined) return 1;
    const order = compareIdentifiers(left, right);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareIdentifiers(a: string, b: string): number {
  const [numericA, numericB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numericA && numericB) return compareNumbers(trimmed(a), trimmed(b));
  if (numericA !== numericB) return numericA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}

function trimmed(digits: string): string {
  return digits.replace(/^0+(?=\d)/, "");
}
