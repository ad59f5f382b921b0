/** How many entries a cache has, for a person. */
export function entryCount(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`;
}
