import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { parseSync, Visitor } from "oxc-parser";

/** A file of the repository, or a made-up one that breaks a rule. */
export interface SourceFile {
  /** Relative to the top of the repository. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly specifier: string;
  /** Path of the imported file, relative to the top of the repository; undefined when a package or module is imported. */
  readonly target: string | undefined;
}

/** All imports and re-exports of a TypeScript file, those of types included, and `import()` and `import type` expressions. */
export function importsOf(file: SourceFile): readonly Import[] {
  const specifiers: string[] = [];
  new Visitor({
    ImportDeclaration: (node) => specifiers.push(node.source.value),
    ExportAllDeclaration: (node) => specifiers.push(node.source.value),
    ExportNamedDeclaration: (node) => {
      if (node.source !== null) specifiers.push(node.source.value);
    },
    ImportExpression: (node) => specifiers.push(textOf(node.source)),
    TSImportType: (node) => specifiers.push(textOf(node.source)),
  }).visit(parse(file));
  return specifiers.map((specifier) => ({
    specifier,
    target: specifier.startsWith(".") ? normalize(join(dirname(file.path), specifier)) : undefined,
  }));
}

function textOf(node: { readonly type: string; readonly value?: unknown }): string {
  return typeof node.value === "string" ? node.value : `(computed: ${node.type})`;
}

/** Every name in a TypeScript file: variables, properties, types, and strings that could stand for one. */
export function namesIn(file: SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  new Visitor({
    Identifier: (node) => names.add(node.name),
    Literal: (node) => {
      if (typeof node.value === "string") names.add(node.value);
    },
  }).visit(parse(file));
  return names;
}

function parse(file: SourceFile): ReturnType<typeof parseSync>["program"] {
  const { program, errors } = parseSync(file.path, file.text);
  const [error] = errors;
  if (error !== undefined) throw new Error(`${file.path}: ${error.message}`);
  return program;
}

/** All files below a folder of the repository, at any depth. */
export function filesBelow(top: string, folder: string): readonly SourceFile[] {
  const entries = readdirSync(join(top, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: path.slice(top.length + 1), text: readFileSync(path, "utf8") }));
}
