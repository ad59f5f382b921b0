import type { FlagValues } from "../hooks/hook.ts";

/** The flags that may stand anywhere, of several command lines as if they were one. */
export class SharedFlags implements FlagValues {
  readonly #all: readonly FlagValues[];

  constructor(all: readonly FlagValues[]) {
    this.#all = all;
  }

  #giving(name: string): readonly FlagValues[] {
    const giving: FlagValues[] = [];
    for (let at = 0; at < this.#all.length; at += 1) {
      const flags = this.#all[at];
      if (flags?.given(name) === true) giving.push(flags);
    }
    return giving.length === 0 ? this.#all.slice(0, 1) : giving;
  }

  given(name: string): boolean {
    return this.#all.some((flags) => flags.given(name));
  }

  isSet(name: string): boolean {
    return this.#giving(name).some((flags) => flags.isSet(name));
  }

  text(name: string): string {
    return this.#giving(name)[0]?.text(name) ?? "";
  }

  list(name: string): readonly string[] {
    return this.#giving(name).flatMap((flags) => flags.list(name));
  }
}
