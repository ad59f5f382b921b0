/** Repeatable random numbers: the same seed gives the same sequence on every machine (xorshift128, Marsaglia 2003). */
export class SeededRandom {
  #state: [number, number, number, number];

  constructor(seed: number) {
    let mixed = seed | 0;
    const next = (): number => {
      mixed = (mixed + 0x9e3779b9) | 0;
      let value = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
      value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
      return (value ^ (value >>> 16)) >>> 0;
    };
    this.#state = [next(), next(), next(), next() | 1];
  }

  /** An integer of 0..2^32-1. */
  word(): number {
    const [first, second, third, last] = this.#state;
    const mixed = first ^ (first << 11);
    const value = (last ^ (last >>> 19) ^ mixed ^ (mixed >>> 8)) >>> 0;
    this.#state = [second, third, last, value];
    return value;
  }

  /** An integer of `from`..`to`, both included. */
  between(from: number, to: number): number {
    return from + (this.word() % (to - from + 1));
  }

  /** True with this probability, 0..1. */
  chance(probability: number): boolean {
    return this.word() < probability * 0x1_0000_0000;
  }

  /** One element. Throws RangeError for an empty list. */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError("nothing to pick from");
    return list[this.word() % list.length] as T;
  }

  /** A value by weight: `[[weight, value], …]`. */
  weighted<T>(choices: readonly (readonly [number, T])[]): T {
    const total = choices.reduce((sum, [weight]) => sum + weight, 0);
    let at = (this.word() / 0x1_0000_0000) * total;
    for (const [weight, value] of choices) {
      at -= weight;
      if (at < 0) return value;
    }
    return (choices.at(-1) as readonly [number, T])[1];
  }

  /** Each element with this probability, order kept. */
  some<T>(list: readonly T[], probability: number): T[] {
    return list.filter(() => this.chance(probability));
  }

  /** A new list with the elements in random order. */
  shuffled<T>(list: readonly T[]): T[] {
    const result = [...list];
    for (let index = result.length - 1; index > 0; index -= 1) {
      const other = this.between(0, index);
      [result[index], result[other]] = [result[other] as T, result[index] as T];
    }
    return result;
  }
}
