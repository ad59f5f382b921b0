import { HookError } from "../errors.ts";
import { standardInput, withHostFile, type HostInput } from "../host/file.ts";
import { ObjectEnd, parseJsonObject, wholeObject, type JsonObject } from "./json.ts";

/** What a hook reads of the state that a runtime gives it (OCI runtime-spec, "State"). Strings are byte strings. */
export interface State {
  /** Host path of the root filesystem, maybe relative to the bundle; some runtimes leave it out. */
  readonly root: string | undefined;
  /** Absolute host path of the bundle. */
  readonly bundle: string | undefined;
  readonly id: string | undefined;
  readonly status: string | undefined;
  /** As the runtime sees it, not as we do: 1, 0 and -1 occur. */
  readonly pid: number | undefined;
}

/** Bytes; states are a few kB, and longer where annotations are. */
const largestState = 4 * 1024 * 1024;

/**
 * Reads the state from a file, or from stdin when `path` is empty or `-`. Stops at the end of the JSON object: what
 * follows is not read, and the end of the stream not waited for. Throws HookError `state`, or `limit` above 4 MiB.
 */
export function readState(path: string): State {
  if (path === "" || path === "-") return stateFrom(standardInput("state"));
  return withHostFile(path, "state", stateFrom);
}

function stateFrom(input: HostInput): State {
  const end = new ObjectEnd();
  let text = "";
  let length: number | undefined;
  while (length === undefined) {
    const chunk = input.next();
    const whole = text === "" ? wholeObject(chunk, input.name) : undefined;
    if (whole !== undefined) return stateOf(whole, input.name);
    if (chunk === "") {
      const reason = text === "" ? "empty; the container's OCI state is expected" : "the JSON object is not complete";
      throw new HookError("state", "read", input.name, reason);
    }
    text += chunk;
    length = end.find(text, input.name);
    if ((length ?? text.length) > largestState) {
      throw new HookError("limit", "read", input.name, `larger than ${largestState} bytes`);
    }
  }
  return parseState(text.slice(0, length), input.name);
}

/** The state in a JSON object. Throws HookError `state` when it is not JSON or a member has the wrong type. */
export function parseState(text: string, source: string): State {
  return stateOf(parseJsonObject(text, source), source);
}

function stateOf(json: JsonObject, source: string): State {
  return {
    root: textMember(json, "root", source),
    bundle: textMember(json, "bundle", source),
    id: textMember(json, "id", source),
    status: textMember(json, "status", source),
    pid: integerMember(json, "pid", source),
  };
}

function textMember(json: JsonObject, name: string, source: string): string | undefined {
  const value = json.members[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "string") throw new HookError("state", "parse", source, `${name} is not a string`);
  return json.bytes(value);
}

function integerMember(json: JsonObject, name: string, source: string): number | undefined {
  const value = json.members[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value)) throw new HookError("state", "parse", source, `${name} is not an integer`);
  return Number(value);
}
