import { close } from "../kernel/files.ts";

/** A directory that a walk has open, in the one through which it came. */
export class Opened {
  /** O_PATH. */
  readonly descriptor: number;
  readonly name: string;
  /** Undefined for the root. */
  readonly parent: Opened | undefined;
  /** How many directories are above it. */
  readonly depth: number;
  /** Those that were opened in it; undefined when there never was one. */
  below: Map<string, Opened> | undefined;
  #path: string | undefined;

  constructor(descriptor: number, name: string, parent: Opened | undefined) {
    this.descriptor = descriptor;
    this.name = name;
    this.parent = parent;
    this.depth = parent === undefined ? 0 : parent.depth + 1;
    if (parent === undefined) return;
    parent.below ??= new Map();
    parent.below.set(name, this);
  }

  /** The path in the container, free of links. */
  get path(): string {
    this.#path ??= pathOf(this);
    return this.#path;
  }

  /** Closes what is open below it, but not `spared` and the directories that lead there. */
  closeBelow(spared: Opened | undefined): void {
    const way = new Set<Opened>();
    for (let at = spared; at !== undefined; at = at.parent) way.add(at);
    this.#closeBut(way);
  }

  #closeBut(way: ReadonlySet<Opened>): void {
    if (this.below === undefined) return;
    for (const opened of this.below.values()) {
      opened.#closeBut(way);
      if (way.has(opened)) continue;
      close(opened.descriptor);
      this.below.delete(opened.name);
    }
  }
}

function pathOf(opened: Opened): string {
  const names: string[] = [];
  for (let at = opened; at.parent !== undefined; at = at.parent) names.push(at.name);
  return `/${names.reverse().join("/")}`;
}
