/**
 * The grammar of names as CDI's readers have it (pkg/parser of container-device-interface); the specification says the
 * same in other words. Each answers with what is wrong, or undefined.
 */

/** A kind, `vendor/class`. */
export function kindTrouble(kind: string): string | undefined {
  const slash = kind.indexOf("/");
  if (slash <= 0 || slash === kind.length - 1) return `kind "${kind}" is not of the form VENDOR/CLASS`;
  return partTrouble("vendor", kind.slice(0, slash)) ?? partTrouble("class", kind.slice(slash + 1));
}

function partTrouble(what: string, name: string): string | undefined {
  if (!/^[A-Za-z]/.test(name)) return `${what} "${name}" does not begin with a letter`;
  if (!/[A-Za-z0-9]$/.test(name)) return `${what} "${name}" does not end with a letter or digit`;
  // Readers take the first and the last character off, and panic when these are one.
  if (name.length === 1) return `${what} "${name}" is one letter, which crashes readers`;
  const wrong = /[^A-Za-z0-9_.-]/.exec(name)?.[0];
  return wrong === undefined ? undefined : `${what} "${name}" has the character "${wrong}"`;
}

/** The name of a device. */
export function deviceNameTrouble(name: string): string | undefined {
  if (name === "") return "a device without a name";
  if (!/^[A-Za-z0-9]/.test(name)) return `device name "${name}" does not begin with a letter or digit`;
  if (!/[A-Za-z0-9]$/.test(name)) return `device name "${name}" does not end with a letter or digit`;
  const wrong = /[^A-Za-z0-9_.:-]/.exec(name)?.[0];
  return wrong === undefined ? undefined : `device name "${name}" has the character "${wrong}"`;
}

/** The name of an annotation: a qualified name of Kubernetes, [DNS subdomain/]name. */
export function annotationTrouble(name: string): string | undefined {
  const slash = name.indexOf("/");
  const prefix = slash < 0 ? undefined : name.slice(0, slash);
  const rest = name.slice(slash + 1);
  const label = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
  if (prefix !== undefined && (prefix.length > 253 || !label.test(prefix.toLowerCase()))) {
    return `annotation "${name}": its prefix is no DNS name`;
  }
  if (rest.length > 63 || !/^[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?$/.test(rest)) {
    return `annotation "${name}" is no qualified name`;
  }
  return undefined;
}
