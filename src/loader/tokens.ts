/** What dynamic string tokens stand for; undefined where the dynamic linker does not know it. */
export interface TokenValues {
  /** The folder of the object in which the text stands. */
  readonly origin: string | undefined;
  readonly lib: string;
  readonly platform: string | undefined;
}

/**
 * Expands `$ORIGIN`, `$LIB` and `$PLATFORM`, with or without braces (ld.so(8), "Dynamic string tokens"). Undefined when a
 * token has no value: the whole text is useless then. A `$` before anything else stays.
 *
 * @param strict glibc before 2.28: a token without braces is one only at the end or before `/`
 */
export function expandTokens(text: string, values: TokenValues, strict: boolean): string | undefined {
  if (text.indexOf("$") < 0) return text;
  let unknown = false;
  const pattern = strict ? BEFORE_SLASH : BEFORE_NO_WORD;
  const expanded = text.replace(pattern, (_, braced: string | undefined, plain: string | undefined) => {
    const name = braced ?? plain;
    const value = name === "ORIGIN" ? values.origin : name === "LIB" ? values.lib : values.platform;
    unknown ||= value === undefined;
    return value ?? "";
  });
  return unknown ? undefined : expanded;
}

const BEFORE_NO_WORD = /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?![A-Za-z0-9_]))/g;
const BEFORE_SLASH = /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?=\/|$))/g;
