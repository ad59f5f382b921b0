/** What the values of a spec have to be, beyond their types (pkg/cdi/container-edits.go, SPEC.md). */

import { baseName, hookEnvironment, hookProgram } from "./hooks.ts";
import { resolved, valueNamed, type Mapping, type Node } from "./node.ts";
import { annotationTrouble, deviceNameTrouble, kindTrouble } from "./names.ts";
import { numberOf, textOf } from "./plain.ts";
import type { ObjectName } from "./schema.ts";
import { linkOf } from "./spec.ts";

/** Tells a problem at a node. */
export type Tell = (severity: "error" | "warning", at: Node, message: string) => void;

/** Looks at the values of an object; what is missing or of the wrong type has been told. */
export function checkContent(object: ObjectName, node: Mapping, tell: Tell): void {
  checks[object]?.(node, tell);
}

const checks: Readonly<Partial<Record<ObjectName, (node: Mapping, tell: Tell) => void>>> = {
  spec: (node, tell) => {
    const kind = textAt(node, "kind");
    if (kind === undefined) return;
    const trouble = kindTrouble(kind.text);
    if (kind.text !== "" && trouble !== undefined) tell("error", kind.node, trouble);
    const [vendor = "", className = ""] = kind.text.split("/");
    if (className.length > 63) tell("warning", kind.node, "the class is longer than 63 characters");
    if (vendor.length > 253) tell("warning", kind.node, "the vendor is longer than 253 characters");
  },
  device: (node, tell) => {
    const name = textAt(node, "name");
    const trouble = name === undefined || name.text === "" ? undefined : deviceNameTrouble(name.text);
    if (name !== undefined && trouble !== undefined) tell("error", name.node, trouble);
  },
  edits: (node, tell) => {
    checkEnvironment(node, tell);
    for (const gid of itemsOf(node, "additionalGids")) checkRange(gid, "additionalGids", largestId, tell);
    for (const name of ["hostInterfaceName", "name"]) checkUnique(itemsOf(node, "netDevices"), name, tell);
  },
  deviceNode: (node, tell) => {
    const type = textAt(node, "type");
    if (type !== undefined && !/^[bcup]?$/.test(type.text)) {
      tell("error", type.node, `type "${type.text}" is none of b, c, u, p`);
    }
    const permissions = textAt(node, "permissions");
    if (permissions?.text === "none") tell("warning", permissions.node, "permissions none: only new readers know it");
    else if (permissions !== undefined && !/^[rwm]*$/.test(permissions.text)) {
      tell("error", permissions.node, `permissions "${permissions.text}" are not of r, w, m`);
    }
    for (const name of ["major", "minor"]) checkRange(valueNamed(node, name), name, Number.MAX_SAFE_INTEGER, tell);
    for (const name of ["uid", "gid", "fileMode"]) checkRange(valueNamed(node, name), name, largestId, tell);
  },
  hook: checkHook,
  mount: (node, tell) => {
    const path = textAt(node, "containerPath");
    if (path !== undefined && path.text !== "" && !path.text.startsWith("/")) {
      tell("warning", path.node, `containerPath "${path.text}" is not absolute`);
    }
  },
  intelRdt: (node, tell) => {
    const id = textAt(node, "closID");
    if (id === undefined || id.text === "/") return;
    if (id.text.length >= 4096 || id.text === "." || id.text === ".." || /[/\n]/.test(id.text)) {
      tell("error", id.node, "closID is no file name");
    }
  },
};

const largestId = 2 ** 32 - 1;

const stages = /^(?:prestart|createRuntime|createContainer|startContainer|poststart|poststop)$/;

function checkHook(node: Mapping, tell: Tell): void {
  const name = textAt(node, "hookName");
  if (name !== undefined && name.text !== "" && !stages.test(name.text)) {
    tell("error", name.node, `hookName "${name.text}" is no stage of OCI`);
  }
  const path = textAt(node, "path");
  if (path !== undefined && path.text !== "" && !path.text.startsWith("/")) {
    tell("warning", path.node, `path "${path.text}" is not absolute, as the specification wants it`);
  }
  const timeout = valueNamed(node, "timeout");
  if (timeout?.kind === "scalar" && (numberOf(timeout) ?? 1) <= 0) {
    tell("warning", timeout, "timeout is not greater than zero, as the specification wants it");
  }
  checkEnvironment(node, tell);
  const hook = linkOf(node);
  if (hook.env.length === 0 && hookProgram(hook) !== undefined) {
    const remedy = `cdi rewrite adds ${hookEnvironment}`;
    tell("warning", node, `hook ${baseName(hook.path)} without env gets the image's with old runtimes: ${remedy}`);
  }
}

function checkEnvironment(parent: Mapping, tell: Tell): void {
  for (const item of itemsOf(parent, "env")) {
    const node = resolved(item);
    if (node.kind === "scalar" && textOf(node).indexOf("=") <= 0) {
      tell("error", item, `env "${textOf(node)}" is not of the form NAME=VALUE`);
    }
  }
}

function checkRange(node: Node | undefined, name: string, largest: number, tell: Tell): void {
  const value = node === undefined ? undefined : resolved(node);
  const number = value?.kind === "scalar" ? numberOf(value) : undefined;
  if (node !== undefined && number !== undefined && (number < 0 || number > largest)) {
    tell("error", node, `${name} ${number} is out of range`);
  }
}

/** Network devices of one container differ, on both sides. */
function checkUnique(items: readonly Node[], name: string, tell: Tell): void {
  const met = new Set<string>();
  for (const item of items) {
    const node = resolved(item);
    const value = node.kind === "mapping" ? textAt(node, name) : undefined;
    if (value === undefined || value.text === "") continue;
    if (met.has(value.text)) tell("error", value.node, `two network devices have the ${name} "${value.text}"`);
    met.add(value.text);
  }
}

/** Bytes of all annotations of one object. */
const largestAnnotations = 256 << 10;

/** Annotations: names, and their size. */
export function checkAnnotations(annotations: Mapping, tell: Tell): void {
  let size = 0;
  for (const { key, value } of annotations.entries) {
    const trouble = annotationTrouble(textOf(key));
    if (trouble !== undefined) tell("error", key, trouble);
    const text = resolved(value);
    size += key.value.length + (text.kind === "scalar" ? text.value.length : 0);
  }
  if (size > largestAnnotations) tell("error", annotations, `annotations of more than ${largestAnnotations} bytes`);
}

function itemsOf(parent: Mapping, name: string): readonly Node[] {
  const list = valueNamed(parent, name);
  return list?.kind === "sequence" ? list.items : [];
}

function textAt(parent: Mapping, name: string): { readonly text: string; readonly node: Node } | undefined {
  const node = valueNamed(parent, name);
  return node?.kind === "scalar" ? { text: textOf(node), node } : undefined;
}
