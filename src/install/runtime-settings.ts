import { HookError } from "../errors.ts";
import { hostFolder } from "../host/folder.ts";
import { hostText } from "./host-text.ts";

const mostNames = 10_000;

/** What the settings of a runtime say of CDI; what they do not say is undefined. */
export interface CdiSettings {
  readonly enabled?: boolean;
  readonly directories?: readonly string[];
  /** The file that says so, or that could. */
  readonly file: string;
}

/** Settings in TOML, of containerd and CRI-O: a file and those in its folder of additions; the last one that says something wins. */
export function tomlSettings(file: string, folder: string): CdiSettings {
  const settings: { -readonly [Name in keyof CdiSettings]: CdiSettings[Name] } = { file };
  for (const path of [file, ...filesIn(folder, /\.(?:toml|conf)$/), ...filesIn(folder, /^[^.]+$/)]) {
    const text = withoutComments(hostText(path) ?? "");
    const enabled = [...text.matchAll(/^[ \t]*enable_cdi[ \t]*=[ \t]*(true|false)\b/gm)].at(-1)?.[1];
    const list = [...text.matchAll(/^[ \t]*cdi_spec_dirs[ \t]*=[ \t]*\[([^\]]*)\]/gm)].at(-1)?.[1];
    const directories =
      list === undefined ? undefined : [...list.matchAll(/["']([^"'\n]*)["']/g)].map((found) => found[1] ?? "");
    if (enabled !== undefined) settings.enabled = enabled === "true";
    if (directories !== undefined) settings.directories = directories;
    if (enabled !== undefined || directories !== undefined) settings.file = path;
  }
  return settings;
}

/** TOML's comments, where they are whole lines or follow a value without quotes or brackets. */
function withoutComments(text: string): string {
  return text.replace(/^([^"'\n#]*)#.*$/gm, "$1");
}

/** Docker's daemon.json: `features.cdi` and `cdi-spec-dirs`; `broken` when it is no JSON object. */
export function dockerSettings(file: string): CdiSettings & { readonly broken?: true } {
  const text = hostText(file);
  if (text === undefined) return { file };
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return { file, broken: true };
  }
  const features = memberOf(document, "features");
  const cdi = memberOf(features, "cdi");
  const listed = memberOf(document, "cdi-spec-dirs");
  const directories = Array.isArray(listed) ? listed.filter((each) => typeof each === "string") : undefined;
  return {
    file,
    ...(typeof cdi === "boolean" ? { enabled: cdi } : {}),
    ...(directories === undefined ? {} : { directories }),
  };
}

function memberOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return Object.entries(value).find(([key]) => key === name)?.[1];
}

function filesIn(folder: string, wanted: RegExp): readonly string[] {
  try {
    const names = hostFolder(folder, "kernel", mostNames);
    return typeof names === "string"
      ? []
      : names.filter((name) => wanted.test(name)).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (error instanceof HookError) return [];
    throw error;
  }
}
