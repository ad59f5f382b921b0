/** Slashes of a path, found without a regular expression: that looks at every character of the path, at 225 instructions each. */

/** The path without the slashes at its end; `/` becomes nothing. */
export function withoutLastSlashes(path: string): string {
  let end = path.length;
  while (path.endsWith("/", end)) end -= 1;
  return path.slice(0, end);
}

/** The path without the slashes at its beginning. */
export function withoutFirstSlashes(path: string): string {
  let start = 0;
  while (path.startsWith("/", start)) start += 1;
  return path.slice(start);
}
