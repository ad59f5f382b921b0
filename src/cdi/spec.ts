import { problemsTold, type Lines, type Problem, type SpecDocument } from "./document.ts";
import { resolved, valueNamed, type Mapping, type Node } from "./node.ts";
import { numberOf, textOf, typeOf } from "./plain.ts";

/** What is read of a CDI spec (specification 1.1.0, "CDI JSON Specification"). Texts are byte strings. */
export interface Spec {
  readonly cdiVersion: string;
  /** `vendor/class`. */
  readonly kind: string;
  readonly devices: readonly Device[];
  /** For every container that gets one of the devices. */
  readonly containerEdits: ContainerEdits;
}

export interface Device {
  readonly name: string;
  readonly containerEdits: ContainerEdits;
  /** Where it stands in the file, from 1. */
  readonly line: number;
}

export interface ContainerEdits {
  /** `NAME=value`. */
  readonly env: readonly string[];
  readonly deviceNodes: readonly DeviceNode[];
  readonly hooks: readonly Hook[];
  readonly mounts: readonly Mount[];
  readonly additionalGids: readonly number[];
}

export interface DeviceNode {
  /** In the container. */
  readonly path: string;
  /** On the host; "" for the same. */
  readonly hostPath: string;
  /** `b`, `c`, `u`, `p`, or "" for what the host has. */
  readonly type: string;
  readonly major: number;
  readonly minor: number;
  readonly permissions: string;
  /** What the spec does not say is undefined. */
  readonly fileMode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

export interface Mount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options: readonly string[];
  readonly type: string;
}

export interface Hook {
  /** The stage: `createContainer`, `createRuntime`, ... */
  readonly hookName: string;
  readonly path: string;
  /** With the program's name. */
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds; undefined when there is no limit. */
  readonly timeout: number | undefined;
  /** Where it stands in the file, from 1; where it is defined, for an alias. */
  readonly line: number;
}

/**
 * Reads a document as a spec. What is missing is empty, what is unknown is left out; a value of the wrong type is a
 * problem, and counts as missing.
 */
export function readSpec(document: SpecDocument): { readonly spec: Spec; readonly problems: readonly Problem[] } {
  const reader = new SpecReader(document.lines);
  return { spec: reader.spec(document.root), problems: reader.problems };
}

/** A hook by itself, without problems: what is of the wrong type counts as missing. */
export function linkOf(hook: Mapping): Omit<Hook, "line"> {
  const text = (name: string): string => {
    const node = valueNamed(hook, name);
    return node?.kind === "scalar" ? textOf(node) : "";
  };
  const texts = (name: string): readonly string[] => {
    const node = valueNamed(hook, name);
    const items = node?.kind === "sequence" ? node.items.map(resolved) : [];
    return items.map((item) => (item.kind === "scalar" ? textOf(item) : ""));
  };
  const timeout = valueNamed(hook, "timeout");
  return {
    hookName: text("hookName"),
    path: text("path"),
    args: texts("args"),
    env: texts("env"),
    timeout: timeout?.kind === "scalar" ? numberOf(timeout) : undefined,
  };
}

/** Reads each node once, however many aliases lead to it. */
class SpecReader {
  readonly problems: Problem[] = [];
  readonly #lines: Lines;
  readonly #edits = new Map<Node, ContainerEdits>();
  readonly #lists = new Map<Node, readonly unknown[]>();

  constructor(lines: Lines) {
    this.#lines = lines;
  }

  spec(root: Mapping): Spec {
    return {
      cdiVersion: this.#text(root, "cdiVersion"),
      kind: this.#text(root, "kind"),
      devices: this.#list(root, "devices", (node) => ({
        name: this.#text(node, "name"),
        containerEdits: this.#containerEdits(node),
        line: this.#lines.place(node.start).line,
      })),
      containerEdits: this.#containerEdits(root),
    };
  }

  #containerEdits(parent: Mapping): ContainerEdits {
    const node = valueNamed(parent, "containerEdits");
    if (node === undefined || isNothing(node)) return noEdits;
    if (node.kind !== "mapping") return this.#wrong(node, "containerEdits", "an object", noEdits);
    const known = this.#edits.get(node);
    if (known !== undefined) return known;
    const edits: ContainerEdits = {
      env: this.#texts(node, "env"),
      deviceNodes: this.#list(node, "deviceNodes", (each) => ({
        path: this.#text(each, "path"),
        hostPath: this.#text(each, "hostPath"),
        type: this.#text(each, "type"),
        major: this.#number(each, "major") ?? 0,
        minor: this.#number(each, "minor") ?? 0,
        permissions: this.#text(each, "permissions"),
        fileMode: this.#number(each, "fileMode"),
        uid: this.#number(each, "uid"),
        gid: this.#number(each, "gid"),
      })),
      hooks: this.#list(node, "hooks", (each) => ({
        hookName: this.#text(each, "hookName"),
        path: this.#text(each, "path"),
        args: this.#texts(each, "args"),
        env: this.#texts(each, "env"),
        timeout: this.#number(each, "timeout"),
        line: this.#lines.place(each.start).line,
      })),
      mounts: this.#list(node, "mounts", (each) => ({
        hostPath: this.#text(each, "hostPath"),
        containerPath: this.#text(each, "containerPath"),
        options: this.#texts(each, "options"),
        type: this.#text(each, "type"),
      })),
      additionalGids: this.#items(node, "additionalGids", (item) => {
        const gid = item.kind === "scalar" ? numberOf(item) : undefined;
        return gid ?? this.#wrong(item, "additionalGids", "a list of numbers", undefined);
      }),
    };
    this.#edits.set(node, edits);
    return edits;
  }

  #text(parent: Mapping, name: string): string {
    const node = valueNamed(parent, name);
    if (node === undefined) return "";
    return node.kind === "scalar" ? textOf(node) : this.#wrong(node, name, "text", "");
  }

  #number(parent: Mapping, name: string): number | undefined {
    const node = valueNamed(parent, name);
    if (node === undefined || isNothing(node)) return undefined;
    const number = node.kind === "scalar" ? numberOf(node) : undefined;
    return number ?? this.#wrong(node, name, "a number", undefined);
  }

  #texts(parent: Mapping, name: string): readonly string[] {
    return this.#items(parent, name, (item) =>
      item.kind === "scalar" ? textOf(item) : this.#wrong(item, name, "a list of texts", undefined),
    );
  }

  #list<T>(parent: Mapping, name: string, read: (item: Mapping) => T): readonly T[] {
    return this.#items(parent, name, (item) =>
      item.kind === "mapping" ? read(item) : this.#wrong(item, name, "a list of objects", undefined),
    );
  }

  /** The items of a list, those left out for which `read` has nothing. */
  #items<T>(parent: Mapping, name: string, read: (item: ReturnType<typeof resolved>) => T | undefined): readonly T[] {
    const node = valueNamed(parent, name);
    if (node === undefined || isNothing(node)) return [];
    if (node.kind !== "sequence") return this.#wrong(node, name, "a list", []);
    const known = this.#lists.get(node);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one node is always read under one name
    if (known !== undefined) return known as readonly T[];
    const items = node.items.map((item) => read(resolved(item))).filter((item) => item !== undefined);
    this.#lists.set(node, items);
    return items;
  }

  #wrong<T>(node: Node, name: string, wanted: string, instead: T): T {
    const problem = this.#lines.problem("error", node.start, `${name} is not ${wanted}`);
    const known = this.problems.some(({ line, message }) => line === problem.line && message === problem.message);
    if (!known && this.problems.length < problemsTold) this.problems.push(problem);
    return instead;
  }
}

const noEdits: ContainerEdits = { env: [], deviceNodes: [], hooks: [], mounts: [], additionalGids: [] };

function isNothing(node: Node): boolean {
  return node.kind === "scalar" && typeOf(node) === "null";
}
