import { HookError } from "../errors.ts";
import { withoutFirstSlashes, withoutLastSlashes } from "../rootfs/slashes.ts";

/** A symbolic link to make. */
export interface LinkRequest {
  /** What the link says, verbatim. */
  readonly target: string;
  /** Container path of the directory that the link is in. */
  readonly parent: string;
  /** The link's name in that directory. */
  readonly name: string;
}

const separator = "::";

/** Text with exactly one `::`, counted from the left as Go's strings.Split does: `a:::b` is `a` and `:b`. */
export const linkForm: { test(text: string): boolean } = {
  test(text) {
    const at = text.indexOf(separator);
    return at >= 0 && text.indexOf(separator, at + separator.length) < 0;
  },
};

/**
 * The links of `TARGET::LINK` arguments, in the order in which they are to be made. What is said twice counts once; of
 * several targets for one link the last counts. Throws HookError `usage` when one argument does not have that form, when
 * one of its sides is empty, and when LINK names no entry of a directory (`/`, `..`).
 */
export function parseLinks(values: readonly string[]): LinkRequest[] {
  const requests = new Map<string, LinkRequest>();
  for (const value of new Set(values)) {
    const request = parseLink(value);
    const key = `${request.parent}/${request.name}`;
    requests.delete(key);
    requests.set(key, request);
  }
  return [...requests.values()];
}

function parseLink(argument: string): LinkRequest {
  if (!linkForm.test(argument)) throw malformed(argument, "not of the form TARGET::LINK");
  const at = argument.indexOf(separator);
  const target = argument.slice(0, at);
  const link = `/${withoutFirstSlashes(withoutLastSlashes(argument.slice(at + separator.length)))}`;
  if (target === "") throw malformed(argument, "the target is empty");
  const slash = link.lastIndexOf("/");
  const name = link.slice(slash + 1);
  if (name === "" || name === "." || name === "..") throw malformed(argument, "the link has no name");
  return { target, parent: slash === 0 ? "/" : link.slice(0, slash), name };
}

function malformed(argument: string, reason: string): HookError {
  return new HookError("usage", "parse --link", argument, reason);
}
