import { checkAnnotations, checkContent, type Tell } from "./content.ts";
import { problemsTold, type Problem, type SpecDocument } from "./document.ts";
import { mergedInto, merges, resolved, valueNamed, type Entry, type Mapping, type Node } from "./node.ts";
import { textOf, typeOf, type ScalarType } from "./plain.ts";
import { objectTitles, schema, type Field, type FieldType, type ObjectName } from "./schema.ts";
import { featuresOf, isOlder, newestVersion, oldestVersion, versionOf, type Version } from "./version.ts";

/** What is to be said of a document. */
export interface Validation {
  /** In the order of the file. An error is what keeps a CDI reader from using the spec. */
  readonly problems: readonly Problem[];
  /** The oldest version of the specification that has all that is in it. */
  readonly minimumVersion: Version;
}

/** Validates a document as a spec of 0.3.0 to 1.1.0. */
export function validateDocument(document: SpecDocument): Validation {
  return new Validator(document).run();
}

class Validator {
  readonly #document: SpecDocument;
  readonly #problems: Problem[];
  readonly #told = new Set<string>();
  readonly #seen = new Map<ObjectName, Set<Mapping>>();
  #version: Version | undefined;

  constructor(document: SpecDocument) {
    this.#document = document;
    this.#problems = [...document.warnings];
  }

  run(): Validation {
    const { root } = this.#document;
    this.#checkVersion(root);
    this.#object("spec", root, root);
    this.#checkDevices(root);
    const minimumVersion = this.#checkFeatures(root);
    const problems = this.#problems.toSorted((one, other) => one.line - other.line || one.column - other.column);
    return { problems, minimumVersion };
  }

  readonly #tell: Tell = (severity, { start }, message) => {
    const problem = this.#document.lines.problem(severity, start, message);
    const key = `${problem.line}:${problem.column}:${message}`;
    if (this.#told.has(key) || this.#told.size >= problemsTold) return;
    this.#told.add(key);
    this.#problems.push(problem);
  };

  #checkVersion(root: Mapping): void {
    const node = valueNamed(root, "cdiVersion");
    if (node?.kind !== "scalar" || textOf(node) === "") return;
    const text = textOf(node);
    this.#version = versionOf(text);
    if (this.#version !== undefined && text.startsWith("v")) {
      this.#tell("warning", node, `cdiVersion ${text}: older readers take it without the v only`);
    }
    if (this.#version !== undefined) return;
    const old = /^v?0\.[12]\.0$/.test(text);
    const reason = old ? `${text} is too old` : `${text} is no version that is known`;
    this.#tell("error", node, `cdiVersion ${reason}: ${oldestVersion} to ${newestVersion} are`);
  }

  #checkFeatures(root: Mapping): Version {
    let minimum = oldestVersion;
    for (const { version, name, offset } of featuresOf(root)) {
      if (isOlder(minimum, version)) minimum = version;
      if (this.#version !== undefined && isOlder(this.#version, version)) {
        this.#tell("error", placeAt(offset), `${name} needs cdiVersion ${version}, and it is ${this.#version}`);
      }
    }
    return minimum;
  }

  #checkDevices(root: Mapping): void {
    const devices = valueNamed(root, "devices");
    if (devices?.kind !== "sequence") return;
    if (devices.items.length === 0) this.#tell("error", devices, "no devices");
    const lines = new Map<string, number>();
    for (const item of devices.items) {
      const device = resolved(item);
      const name = device.kind === "mapping" ? valueNamed(device, "name") : undefined;
      if (name?.kind !== "scalar") continue;
      const first = lines.get(textOf(name));
      if (first === undefined) lines.set(textOf(name), this.#document.lines.place(name.start).line);
      else
        this.#tell(
          "error",
          item.kind === "alias" ? item : name,
          `device "${textOf(name)}" is defined on line ${first} already`,
        );
    }
  }

  /** `at` is where the object is used: itself, or an alias of it. */
  #object(object: ObjectName, node: Mapping, at: Node): void {
    const seen = this.#seen.get(object) ?? new Set<Mapping>();
    this.#seen.set(object, seen);
    if (seen.has(node)) return;
    seen.add(node);
    this.#checkNames(object, node);
    for (const field of schema[object]) {
      const value = valueNamed(node, field.name);
      if (value !== undefined) this.#value(field, value);
      if (field.required === true && (value === undefined || isEmptyText(value))) {
        this.#tell("error", value ?? at, `${objectTitles[object]} without ${field.name}`);
      }
    }
    if (object === "device") this.#checkEdits(node);
    checkContent(object, node, this.#tell);
  }

  /** Names that are unknown, come twice, or differ in letter case from those that are known. */
  #checkNames(object: ObjectName, node: Mapping): void {
    const merged = new Set(mergedInto(node).flatMap(({ entries }) => entries.map(({ key }) => key.value)));
    const met = new Set<string>();
    for (const entry of node.entries) {
      const name = entry.key.value;
      if (merges(entry.key)) continue;
      if (met.has(name)) this.#tell("error", entry.key, `${name} comes twice`);
      else if (merged.has(name)) this.#tell("error", entry.key, `${name} is merged into it already`);
      met.add(name);
      this.#checkName(object, entry);
    }
  }

  #checkName(object: ObjectName, { key }: Entry): void {
    const known = schema[object].find(({ name }) => name === key.value);
    const alike = schema[object].find(({ name }) => name.toLowerCase() === key.value.toLowerCase());
    if (known === undefined && alike !== undefined) {
      this.#tell("warning", key, `${key.value} is read as ${alike.name}`);
    } else if (known === undefined) this.#tell("error", key, `${key.value} is not a member of ${objectTitles[object]}`);
    if (known?.dropped !== true) return;
    const refused = this.#version === newestVersion;
    this.#tell(refused ? "error" : "warning", key, `${key.value} is unknown to readers of ${newestVersion} and later`);
  }

  #value({ name, type }: Field, node: Exclude<Node, { kind: "alias" }>): void {
    if (node.kind === "scalar" && typeOf(node) === "null") return;
    const list = listedType(type);
    if (list !== undefined) {
      if (node.kind !== "sequence") this.#tell("error", node, `${name} is not a list`);
      else for (const item of node.items) this.#single(name, list, resolved(item), item);
    } else this.#single(name, type, node, node);
  }

  #single(name: string, type: FieldType, node: Exclude<Node, { kind: "alias" }>, at: Node): void {
    if (type === "text" || type === "integer" || type === "boolean") {
      if (node.kind === "scalar") this.#scalar(name, type, textOf(node), typeOf(node), node.value, node);
      else this.#tell("error", at, `${name} is not ${titles[type]}`);
    } else if (node.kind !== "mapping") this.#tell("error", at, `${name} is not an object`);
    else if (type === "annotations") this.#annotations(node);
    else if (isObjectName(type)) this.#object(type, node, at);
  }

  #scalar(name: string, type: ScalarField, text: string, found: ScalarType, written: string, at: Node): void {
    if (found === "null") {
      if (type === "text") this.#tell("warning", at, `${name} has nothing where there should be text`);
    } else if (type === "text") {
      if (text !== written) this.#tell("warning", at, `${name}: ${written} is read as "${text}": put it in quotes`);
    } else if (type !== found && !(type === "integer" && found === "float" && isWhole(text)))
      this.#tell("error", at, `${name} is not ${titles[type]}`);
  }

  #annotations(node: Mapping): void {
    for (const { key, value } of node.entries) {
      if (resolved(value).kind !== "scalar") this.#tell("error", value, `annotation ${key.value} is not text`);
    }
    checkAnnotations(node, this.#tell);
  }

  /** A device has to do something. */
  #checkEdits(device: Mapping): void {
    const edits = valueNamed(device, "containerEdits");
    if (edits?.kind !== "mapping") return;
    const something = schema.edits.some(({ name }) => {
      const value = valueNamed(edits, name);
      return value?.kind === "mapping" || (value?.kind === "sequence" && value.items.length > 0);
    });
    if (!something) this.#tell("error", edits, "a device whose containerEdits are empty");
  }
}

type ScalarField = "text" | "integer" | "boolean";

const titles: Readonly<Record<ScalarField, string>> = { text: "text", integer: "an integer", boolean: "true or false" };

/** Go's JSON reads `1.0` of YAML as 1. */
function isWhole(text: string): boolean {
  return /^-?\d+$/.test(text);
}

/** The type of a list's items; undefined when the type is no list. */
function listedType(type: FieldType): FieldType | undefined {
  if (type === "texts") return "text";
  if (type === "integers") return "integer";
  const name = type.endsWith("[]") ? type.slice(0, -2) : "";
  return isObjectName(name) ? name : undefined;
}

function isObjectName(name: string): name is ObjectName {
  return Object.hasOwn(schema, name);
}

function isEmptyText(node: Node): boolean {
  return node.kind === "scalar" && textOf(node) === "";
}

function placeAt(offset: number): Node {
  return { kind: "scalar", start: offset, end: offset, style: "plain", value: "", tagged: false, anchor: undefined };
}
