/* oxlint-disable */
// Lines of text on standard output, and values as text.

let pending = [];
let pendingLength = 0;

export function flush() {
  let text = pending.join("\n") + "\n";
  pending = [];
  pendingLength = 0;
  while (text !== "") {
    const written = syscall(architecture === "x86-64" ? 1 : 64, 1, text, text.length);
    if (written <= 0) throw new Error("write: " + written);
    text = text.slice(written);
  }
}

export function line(text) {
  // Only ASCII, so that a character is a byte.
  const safe = text.replace(/[^\x20-\x7e]/g, (c) => "\\u" + c.charCodeAt(0).toString(16));
  pending.push(safe);
  pendingLength += safe.length;
  if (pendingLength > 30000) flush();
}

export function show(value, depth = 0) {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      // Upstream writes the others by way of what is undefined in C.
      return value < 2n ** 63n ? value + "n" : Number(value) + "n";
    case "string":
      return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}+${value.length}` : JSON.stringify(value);
    case "function":
      return "function " + value.name;
    case "object":
      break;
    default:
      return String(value);
  }
  if (value === null) return "null";
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (depth > 2) return "...";
  let keys;
  try {
    keys = Reflect.ownKeys(value);
  } catch (error) {
    return "keys throw " + show(error);
  }
  const parts = [];
  for (const key of keys.slice(0, 12)) {
    const name = typeof key === "symbol" ? key.toString() : key;
    const found = attempt(() => Object.getOwnPropertyDescriptor(value, key));
    if (typeof found === "string" || found === undefined) {
      parts.push(`${name}?${found}`);
      continue;
    }
    const flags = (found.writable ? "w" : "") + (found.enumerable ? "e" : "") + (found.configurable ? "c" : "");
    parts.push(`${name}(${flags})${"value" in found ? show(found.value, depth + 1) : "accessor"}`);
  }
  const kind = Array.isArray(value) ? "array" : ArrayBuffer.isView(value) ? "view" : "object";
  return `${kind}#${keys.length}${Object.isExtensible(value) ? "" : "!"}{${parts.join(" ")}}`;
}

export function attempt(work) {
  try {
    return work();
  } catch (error) {
    return "throws " + show(error);
  }
}

export function report(title, work) {
  line(title + ": " + show(attempt(work)));
}

let seed = 1;
export function random(below) {
  seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
  return (seed >>> 8) % below;
}
export const pick = (list) => list[random(list.length)];
