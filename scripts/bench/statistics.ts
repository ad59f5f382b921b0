/** The median; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Measurements by name. */
export class Samples {
  readonly #byName = new Map<string, number[]>();

  add(name: string, value: number): void {
    const list = this.#byName.get(name) ?? [];
    list.push(value);
    this.#byName.set(name, list);
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }

  median(name: string): number {
    return median(this.#byName.get(name) ?? []);
  }

  count(name: string): number {
    return this.#byName.get(name)?.length ?? 0;
  }

  largest(name: string): number {
    return Math.max(...(this.#byName.get(name) ?? []));
  }
}
