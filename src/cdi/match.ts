/**
 * Whether a spec is one of those that patterns name; every spec is when there are none. A pattern that begins with `/` is
 * for the path of the file, any other for the kind, as VENDOR/CLASS or VENDOR alone. `*` and `?` stop at a slash, `**`
 * does not.
 */
export function isMatched(patterns: readonly string[], path: string, kind: string): boolean {
  if (patterns.length === 0) return true;
  return patterns.some((pattern) => {
    if (pattern.startsWith("/")) return fits(pattern, path);
    return fits(pattern.includes("/") ? pattern : `${pattern}/*`, kind);
  });
}

function fits(pattern: string, text: string): boolean {
  const source = pattern.replace(/\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (part) =>
    part === "**" ? ".*" : part === "*" ? "[^/]*" : part === "?" ? "[^/]" : `\\${part}`,
  );
  return new RegExp(`^${source}$`).test(text);
}
