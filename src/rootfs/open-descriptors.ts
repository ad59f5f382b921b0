import { close } from "../kernel/files.ts";

/** Descriptors that stay open for the next use, a bounded number of them. */
export class OpenDescriptors<Key> implements Disposable {
  readonly #most: number;
  /** The one that was used longest ago first. */
  readonly #open: Map<Key, number> = new Map();

  constructor(most: number) {
    this.#most = most;
  }

  get(key: Key): number | undefined {
    const descriptor = this.#open.get(key);
    if (descriptor === undefined) return undefined;
    this.#open.delete(key);
    this.#open.set(key, descriptor);
    return descriptor;
  }

  /** Takes a descriptor over; the one that was used longest ago is closed when there are too many. */
  add(key: Key, descriptor: number): void {
    this.#open.set(key, descriptor);
    if (this.#open.size <= this.#most) return;
    for (const [oldest, its] of this.#open) {
      close(its);
      this.#open.delete(oldest);
      return;
    }
  }

  [Symbol.dispose](): void {
    for (const descriptor of this.#open.values()) close(descriptor);
    this.#open.clear();
  }
}
