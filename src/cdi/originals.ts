/**
 * The bytes that specs had before they were rewritten: one file per spec in a directory of ours. It begins with a line of
 * JSON; the original follows, then each text that we put in its place. What a spec has now is compared with these byte for
 * byte, so nothing is restored over what somebody else wrote since (docs/adr/0010-originals.md).
 */

import { fromText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import { hostFolder } from "../host/folder.ts";
import { removeHostFile } from "../host/host-directory.ts";
import { makeHostDirectories, readRegularFile } from "../host/regular-file.ts";
import { replaceHostFile } from "../host/replace-file.ts";

/** Where originals are kept unless it is said otherwise. */
export const defaultStateDirectory = "/var/lib/cdi-hook/originals";

/** What is kept of one spec. */
export interface Original {
  /** Of the spec, without links. */
  readonly path: string;
  /** The folder that its hooks were given. */
  readonly hookDirectory: string;
  readonly text: string;
  /** What we wrote, the last first. */
  readonly written: readonly string[];
}

/** A file of the state directory: a spec, twice or three times, and a line. */
const largestFile = 64 << 20;
const longestName = 240;
const mostKept = 10_000;

/** Keeps an original, in place of what was kept of that spec. Throws HookError. */
export function keepOriginal(state: string, original: Original): void {
  const { path, hookDirectory, text, written } = original;
  const lengths = { path, hookDirectory, original: text.length, written: written.map(({ length }) => length) };
  makeHostDirectories(state, 0o700);
  const bytes = fromText(`${JSON.stringify(lengths)}\n${text}${written.join("")}`);
  replaceHostFile(fileOf(state, path), bytes, 0o600);
}

/** What is kept of a spec; undefined when nothing is. Throws HookError. */
export function originalOf(state: string, path: string): Original | undefined {
  try {
    return readOriginal(fileOf(state, path));
  } catch (error) {
    if (error instanceof HookError && error.errno === ENOENT) return undefined;
    throw error;
  }
}

/** The paths of all specs of which something is kept. Throws HookError. */
export function pathsKept(state: string): readonly string[] {
  const names = hostFolder(state, "kernel", mostKept);
  if (names === "no folder") throw new HookError("refused", "list", state, "not a directory");
  return names === "nothing" ? [] : names.filter((name) => name.startsWith("%2F")).map(pathOfName);
}

/** Forgets what is kept of a spec. Throws HookError. */
export function dropOriginal(state: string, path: string): void {
  removeHostFile(fileOf(state, path));
}

const ENOENT = 2;

function fileOf(state: string, path: string): string {
  const name = path.replace(/[%/]/g, (character) => (character === "%" ? "%25" : "%2F"));
  if (name.length > longestName) throw new HookError("refused", "keep", path, "its path is too long for a file's name");
  return `${state}/${name}`;
}

function pathOfName(name: string): string {
  return name.replace(/%2F|%25/g, (escape) => (escape === "%25" ? "%" : "/"));
}

function readOriginal(file: string): Original {
  const { text: all } = readRegularFile(file, largestFile);
  const newline = all.indexOf("\n");
  const facts = factsOf(all.slice(0, Math.max(newline, 0)));
  const lengths = facts === undefined ? [] : [facts.original, ...facts.written];
  const size = lengths.reduce((sum, length) => sum + length, newline + 1);
  if (facts === undefined || size !== all.length)
    throw new HookError("format", "read", file, "not written by cdi-hook");
  let at = newline + 1;
  const [text = "", ...written] = lengths.map((length) => all.slice(at, (at += length)));
  return { path: facts.path, hookDirectory: facts.hookDirectory, text, written };
}

interface Facts {
  readonly path: string;
  readonly hookDirectory: string;
  readonly original: number;
  readonly written: readonly number[];
}

function factsOf(line: string): Facts | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isFacts(value) ? value : undefined;
}

function isFacts(value: unknown): value is Facts {
  if (typeof value !== "object" || value === null) return false;
  const facts: Partial<Record<keyof Facts, unknown>> = value;
  return (
    typeof facts.path === "string" &&
    typeof facts.hookDirectory === "string" &&
    isLength(facts.original) &&
    Array.isArray(facts.written) &&
    facts.written.every(isLength)
  );
}

function isLength(length: unknown): boolean {
  return Number.isSafeInteger(length) && Number(length) >= 0;
}
