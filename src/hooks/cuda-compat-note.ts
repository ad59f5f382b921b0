import type { ByteSource } from "../bytes/source.ts";
import { readNoteSection } from "../elf/note-section.ts";

/** What a compatibility library says of itself. */
export interface CompatNote {
  /** Its CUDA version; empty when it does not say. */
  readonly cuda: string;
  /** Major versions of the drivers that it runs on, as digits. */
  readonly drivers: readonly string[];
}

const section = ".note.cuda.fwd_compatibility";
const owner = "NVIDIA Corporation";

/** Braces and brackets of a note: it is one object with two lists in it. */
const mostBrackets = 16;

/**
 * The note of a compatibility library: undefined when it has none, and a text that says what is wrong with it when it is
 * not `{"CUDA Version": "13.1", "Driver": [580, 590], …}`. Members are named in any
 * case, as Go reads them; one that is missing or null says nothing.
 */
export function readCompatNote(library: ByteSource): CompatNote | string | undefined {
  const found = readNoteSection(library, section, owner);
  if (found === undefined || "broken" in found) return found?.broken;
  return parseCompatNote(found.description);
}

/** As readCompatNote, for the note's text. */
export function parseCompatNote(text: string): CompatNote | string {
  if ((text.match(/[[{]/g) ?? []).length > mostBrackets) return "nested too deeply";
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "not JSON";
  }
  if (typeof value !== "object" || Array.isArray(value)) return "not a JSON object";
  const members = new Map<string, unknown>(
    Object.entries(value ?? {}).map(([key, member]) => [key.toLowerCase(), member]),
  );
  const cuda = members.get("cuda version") ?? "";
  const drivers = members.get("driver") ?? [];
  if (typeof cuda !== "string") return "its CUDA version is not a string";
  if (!isIntegers(drivers)) return "its drivers are not a list of integers";
  return { cuda, drivers: drivers.map(String) };
}

function isIntegers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(Number.isInteger);
}
