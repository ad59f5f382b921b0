import {
  Composer,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parse,
  Parser,
  type Alias as YamlAlias,
  type CST,
  type Document,
  type Scalar as YamlScalar,
  type YAMLMap,
  type YAMLSeq,
} from "yaml";
import { stringFromUtf8, utf8FromString } from "../bytes/text.ts";
import { deepest, type Alias, type Entry, type Mapping, type Node, type Scalar, type Sequence } from "./node.ts";

/** A reason for which a text is no document, with the byte where it shows. */
export interface Complaint {
  readonly offset: number;
  readonly message: string;
}

/** The first document of a YAML or JSON text. */
export interface Parsed {
  /** Undefined when there are complaints, or no document. */
  readonly root: Exclude<Node, Alias> | undefined;
  readonly complaints: readonly Complaint[];
  /** Offset of a second document. */
  readonly second: number | undefined;
}

/** All plain scalars are text: what type a reader sees in them is said by plain.ts. */
const options = { schema: "failsafe", uniqueKeys: false, logLevel: "silent", stringKeys: false } as const;

/** Parses the first document of a byte string. JSON is YAML, tabs included. */
export function parseYaml(text: string): Parsed {
  let first: CST.Document | undefined;
  const tokens: CST.Token[] = [];
  let second: number | undefined;
  for (const token of new Parser().parse(text)) {
    if (token.type === "document") {
      if (first !== undefined) {
        second = token.offset;
        break;
      }
      first = token;
    }
    tokens.push(token);
  }
  const deep = first === undefined ? undefined : tooDeep(first);
  if (deep !== undefined) {
    return { root: undefined, complaints: [{ offset: deep, message: "nested too deeply" }], second };
  }
  const [document] = new Composer(options).compose(tokens, true, text.length);
  if (document === undefined) return { root: undefined, complaints: [], second };
  if (document.errors.length > 0) return { root: undefined, complaints: document.errors.map(complaintOf), second };
  return { ...new Builder(text, document).build(), second };
}

function complaintOf({ pos, message }: Document["errors"][number]): Complaint {
  return { offset: pos[0], message: message.split("\n")[0] ?? "" };
}

/** Offset of a collection that is too deep. */
function tooDeep(document: CST.Document): number | undefined {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [];
  const push = (token: CST.Token | null | undefined, depth: number): void => {
    if (token !== null && token !== undefined && "items" in token) waiting.push({ token, depth });
  };
  push(document.value, 1);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { token, depth } = next;
    if (depth > deepest) return token.offset;
    if (!("items" in token)) continue;
    for (const { key, value } of token.items) {
      push(key, depth + 1);
      push(value, depth + 1);
    }
  }
  return undefined;
}

type Built = Exclude<Node, Alias>;

/** Turns the package's nodes into ours, and its anchors into references. */
class Builder {
  readonly #text: string;
  readonly #document: Document;
  /** Undefined while the node is being built: an alias in there means its own surroundings. */
  readonly #anchors = new Map<string, Built | undefined>();
  readonly #complaints: Complaint[] = [];

  constructor(text: string, document: Document) {
    this.#text = text;
    this.#document = document;
  }

  build(): Pick<Parsed, "root" | "complaints"> {
    const root = this.#node(this.#document.contents, 0);
    const complaints = this.#complaints;
    return { root: complaints.length === 0 && root.kind !== "alias" ? root : undefined, complaints };
  }

  #node(node: unknown, at: number): Node {
    if (isAlias(node)) return this.#alias(node, at);
    const anchor = isScalar(node) || isMap(node) || isSeq(node) ? node.anchor : undefined;
    if (anchor !== undefined) this.#anchors.set(anchor, undefined);
    const built = this.#content(node, at, anchor);
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #content(node: unknown, at: number, anchor: string | undefined): Built {
    if (isMap(node)) return this.#mapping(node, at, anchor);
    if (isSeq(node)) return this.#sequence(node, at, anchor);
    if (isScalar(node)) return this.#scalar(node, at, anchor);
    return nothing(at);
  }

  #mapping(node: YAMLMap, at: number, anchor: string | undefined): Mapping {
    const [start, end] = node.range ?? [at, at];
    const entries: Entry[] = [];
    for (const { key, value } of node.items) {
      const name = this.#node(key, start);
      if (name.kind === "scalar") entries.push({ key: name, value: this.#node(value, name.end) });
      else this.#complain(name.start, "a key that is no text");
    }
    return { kind: "mapping", start, end, flow: node.flow === true, entries, anchor };
  }

  #sequence(node: YAMLSeq, at: number, anchor: string | undefined): Sequence {
    const [start, end] = node.range ?? [at, at];
    const items = node.items.map((item) => this.#node(item, start));
    return { kind: "sequence", start, end, flow: node.flow === true, items, anchor };
  }

  #scalar(node: YamlScalar, at: number, anchor: string | undefined): Scalar {
    const [start, end] = node.range ?? [at, at];
    const quoted = node.type === "QUOTE_DOUBLE" || node.type === "QUOTE_SINGLE";
    const style = quoted ? "quoted" : node.type === "PLAIN" ? "plain" : "block";
    const written = node.source ?? "";
    const value = node.type === "QUOTE_DOUBLE" ? this.#unescaped(written, start, end) : written;
    const tagged = node.tag !== undefined && /(?:^!|:str)$/.test(node.tag);
    return { kind: "scalar", start, end, style, value, tagged, anchor };
  }

  /** Escapes are characters and the rest of the text is bytes: one with both is decoded before it is parsed. */
  #unescaped(value: string, start: number, end: number): string {
    const raw = this.#text.slice(start, end);
    if (!/\\[xuUN_LP]/.test(raw)) return value;
    return utf8FromString(String(parse(stringFromUtf8(raw), { schema: "failsafe", logLevel: "silent" })));
  }

  #alias(node: YamlAlias, at: number): Node {
    const [start, end] = node.range ?? [at, at];
    const target = this.#anchors.get(node.source);
    if (target !== undefined) return { kind: "alias", start, end, name: node.source, target };
    const within = this.#anchors.has(node.source);
    this.#complain(start, `*${node.source} ${within ? "stands within what it names" : "names nothing"}`);
    return nothing(start);
  }

  #complain(offset: number, message: string): void {
    this.#complaints.push({ offset, message });
  }
}

function nothing(at: number): Scalar {
  return { kind: "scalar", start: at, end: at, style: "plain", value: "", tagged: false, anchor: undefined };
}
