import { entriesNamed, resolved, type Mapping, type Node } from "./node.ts";
import { textOf, typeOf } from "./plain.ts";

/** Versions of the specification, the oldest first. Readers know 0.1.0 and 0.2.0 and take neither. */
const versions = ["0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"] as const;

export type Version = (typeof versions)[number];

/** A version as specs write it, with or without `v`; undefined when it is none that is known here. */
export function versionOf(text: string): Version | undefined {
  return versions.find((version) => version === text.replace(/^v/, ""));
}

/** Whether a version is older than another. */
export function isOlder(one: Version, other: Version): boolean {
  return versions.indexOf(one) < versions.indexOf(other);
}

export const oldestVersion: Version = versions[0];
export const newestVersion: Version = "1.1.0";

/** Something that a document has, the version that brought it, and where it stands. */
export interface Feature {
  readonly version: Version;
  readonly name: string;
  readonly offset: number;
}

/**
 * What a document has that is not in 0.3.0 (SPEC.md, "Released versions", and specs-go/version.go, which say the same). A
 * reader refuses a spec whose `cdiVersion` is older than what is in it.
 */
export function featuresOf(root: Mapping): readonly Feature[] {
  const features: Feature[] = [];
  const add = (version: Version, name: string, offset: number): void => {
    features.push({ version, name, offset });
  };
  const [kind] = entriesNamed(root, "kind").map(({ value }) => value);
  if (kind !== undefined && /^[^/]+\/[^/]*\./.test(textOfNode(kind))) add("0.6.0", "a dot in the class", kind.start);
  addAnnotations(root, add);
  addEdits(root, add);
  const seen = new Set<Node>();
  for (const device of mappingsIn(root, "devices")) {
    if (seen.has(device)) continue;
    seen.add(device);
    const [name] = entriesNamed(device, "name").map(({ value }) => value);
    if (name !== undefined && /^[^A-Za-z]/.test(textOfNode(name))) {
      add("0.5.0", "a device name that does not begin with a letter", name.start);
    }
    addAnnotations(device, add);
    addEdits(device, add);
  }
  return features;
}

type Add = (version: Version, name: string, offset: number) => void;

function addAnnotations(parent: Mapping, add: Add): void {
  for (const { key, value } of entriesNamed(parent, "annotations")) {
    const annotations = resolved(value);
    if (annotations.kind === "mapping" && annotations.entries.length > 0) add("0.6.0", "annotations", key.start);
  }
}

const editsFeatures: readonly (readonly [version: Version, name: string])[] = [
  ["0.7.0", "intelRdt"],
  ["0.7.0", "additionalGids"],
  ["1.1.0", "netDevices"],
];

function addEdits(parent: Mapping, add: Add): void {
  for (const edits of mappingsUnder(parent, "containerEdits")) {
    for (const [version, name] of editsFeatures) {
      for (const { key, value } of entriesNamed(edits, name)) if (hasSomething(value)) add(version, name, key.start);
    }
    for (const rdt of mappingsUnder(edits, "intelRdt")) addIntelRdt(rdt, add);
    for (const mount of mappingsIn(edits, "mounts")) addText(mount, "type", "0.4.0", "type of a mount", add);
    for (const node of mappingsIn(edits, "deviceNodes")) {
      addText(node, "hostPath", "0.5.0", "hostPath of a device node", add);
    }
  }
}

function addIntelRdt(rdt: Mapping, add: Add): void {
  for (const name of ["schemata", "enableMonitoring"]) {
    for (const { key, value } of entriesNamed(rdt, name)) {
      if (hasSomething(value) && textOfNode(value) !== "false") add("1.1.0", name, key.start);
    }
  }
}

function addText(parent: Mapping, name: string, version: Version, feature: string, add: Add): void {
  for (const { key, value } of entriesNamed(parent, name))
    if (textOfNode(value) !== "") add(version, feature, key.start);
}

function mappingsUnder(parent: Mapping, name: string): readonly Mapping[] {
  return entriesNamed(parent, name)
    .map(({ value }) => resolved(value))
    .filter((node) => node.kind === "mapping");
}

/** The objects of a list, each once. */
function mappingsIn(parent: Mapping, name: string): readonly Mapping[] {
  const found = new Set<Mapping>();
  for (const { value } of entriesNamed(parent, name)) {
    const list = resolved(value);
    if (list.kind !== "sequence") continue;
    for (const item of list.items) {
      const node = resolved(item);
      if (node.kind === "mapping") found.add(node);
    }
  }
  return [...found];
}

/** Whether a reader takes a value for more than nothing: an object counts when it is empty, a list does not. */
function hasSomething(node: Node): boolean {
  const value = resolved(node);
  if (value.kind === "sequence") return value.items.length > 0;
  return value.kind === "mapping" || typeOf(value) !== "null";
}

function textOfNode(node: Node): string {
  const value = resolved(node);
  return value.kind === "scalar" ? textOf(value) : "";
}
