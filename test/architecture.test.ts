/**
 * The layout of the source as a test: which folder may import which, where the dangerous names may stand, and what no file
 * may be. Every rule is also shown a made-up file that breaks it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { filesBelow, importsOf, namesIn, type SourceFile } from "./support/source-file.ts";

const top = resolve(import.meta.dirname, "..");

/** Which folders of src/ (or single files, with their variants: logger.ts, logger-*.ts) may import which. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  logger: [],
  part: [],
  bytes: ["errors"],
  kernel: ["bytes", "errors"],
  elf: ["bytes", "errors"],
  ldcache: ["bytes", "errors"],
  rootfs: ["kernel", "bytes", "errors"],
  host: ["kernel", "bytes", "errors"],
  oci: ["rootfs", "host", "bytes", "errors", "logger"],
  ldconfig: ["rootfs", "elf", "ldcache", "bytes", "errors", "logger"],
  hooks: ["ldconfig", "oci", "rootfs", "host", "elf", "bytes", "errors", "logger"],
  erofs: ["bytes", "errors"],
  tar: ["bytes", "errors"],
  image: ["erofs", "tar", "rootfs", "host", "bytes", "errors", "logger"],
  cdi: ["oci", "rootfs", "host", "bytes", "errors", "logger"],
  loader: ["ldconfig", "rootfs", "elf", "ldcache", "bytes", "errors", "logger"],
  apply: ["hooks", "cdi", "image", "oci", "rootfs", "host", "bytes", "errors", "logger"],
  install: ["cdi", "oci", "host", "bytes", "errors", "logger"],
  cli: (
    "errors logger part bytes kernel elf ldcache rootfs host oci ldconfig hooks " +
    "erofs tar image cdi loader apply install"
  ).split(" "),
  bin: ["cli"],
};

/** Packages of npm, and the only place of each. Nothing else may be imported, of npm or of Node. */
const homeOfPackage: Readonly<Record<string, string>> = { commander: "cli", pino: "logger", yaml: "cdi" };

/** Names that give power over the machine, and where alone they may stand. */
const homeOfName: Readonly<Record<string, RegExp>> = {
  syscall: /^src\/kernel\//,
  latin1: /^src\/bytes\/text\.ts$/,
  latin1Into: /^src\/bytes\/text\.ts$/,
  loadModule: /^src\/part\.ts$/,
  procfs: /^src\/rootfs\/(?:kernel-root|mount)\.ts$/,
};

/** System calls that start a process or a program: for src/kernel/spawn.ts only, which only src/host/program.ts imports. */
const startsProcess = /^(?:SYS_|__NR_)?(?:execve|execveat|fork|vfork|clone|clone3)$/i;

const longestFile = 400;

/** Files of src/ that may be longer, with the reason. */
const longFiles: Readonly<Record<string, string>> = {};

const vagueName = /^(?:utils?|helpers?|common|misc|shared|stuff|lib)$/;

const topLevel = new Set([
  ".ci",
  ".editorconfig",
  ".gitignore",
  ".oxfmtrc.json",
  ".oxlintrc.json",
  "CHANGELOG.md",
  "CONTRIBUTING.md",
  "LICENSE",
  "NOTICE",
  "README.md",
  "SECURITY.md",
  "bin",
  "docs",
  "package-lock.json",
  "package.json",
  "scripts",
  "src",
  "test",
  "tsconfig.json",
  "vitest.config.ts",
]);
const notInGit = new Set([".git", "dist", "node_modules"]);

const isProduct = ({ path }: SourceFile): boolean => /^(?:src|bin)\/.*(?<!\.test)\.ts$/.test(path);

/** `src/elf/note.ts` belongs to `elf`, `src/logger-json.ts` to `logger`, `bin/cdi-hook.ts` to `bin`. */
function folderOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  if (first !== "src") return first;
  return second.endsWith(".ts") ? second.replace(/(?:-.*)?\.ts$/, "") : second;
}

interface Rule {
  readonly name: string;
  /** What breaks the rule, one line each. */
  readonly check: (files: readonly SourceFile[]) => readonly string[];
  /** Files that break it, each of them. */
  readonly broken: readonly SourceFile[];
}

const rules: readonly Rule[] = [
  {
    name: "a folder imports only what the table allows",
    check: (files) =>
      files.filter(isProduct).flatMap((file) => {
        const folder = folderOf(file.path);
        const allowed = mayImport[folder];
        if (allowed === undefined) return [`${file.path}: ${folder} is not in the table`];
        return importsOf(file).flatMap(({ target }) => {
          if (target === undefined || folderOf(target) === folder || allowed.includes(folderOf(target))) return [];
          return [`${file.path}: ${folder} imports ${target}`];
        });
      }),
    broken: [
      { path: "src/elf/a.ts", text: `import { x } from "../rootfs/root.ts";` },
      { path: "src/elf/b.ts", text: `import type { X } from "../rootfs/root.ts";` },
      { path: "src/ldcache/c.ts", text: `export * from "../elf/library.ts";` },
      { path: "src/hooks/d.ts", text: `export { x } from "../cli/exit.ts";` },
      { path: "src/hooks/e.ts", text: `type X = import("../cli/exit.ts").X;` },
      { path: "src/errors.ts", text: `import { x } from "./logger.ts";` },
      { path: "src/cli/f.ts", text: `import { x } from "../../test/support/elf-forge.ts";` },
      { path: "src/newcomer/g.ts", text: "" },
      { path: "bin/cdi-hook.ts", text: `import { x } from "../src/hooks/list.ts";` },
    ],
  },
  {
    name: "a package is imported at its home only, and a module of Node nowhere",
    check: (files) =>
      files.filter(isProduct).flatMap((file) =>
        importsOf(file)
          .filter(({ specifier, target }) => target === undefined && homeOfPackage[specifier] !== folderOf(file.path))
          .map(({ specifier }) => `${file.path}: imports ${specifier}`),
      ),
    broken: [
      { path: "src/hooks/a.ts", text: `import { Command } from "commander";` },
      { path: "src/cli/b.ts", text: `import pino from "pino";` },
      { path: "src/cli/c.ts", text: `import { readFileSync } from "node:fs";` },
      { path: "src/cli/d.ts", text: `export const load = () => import("fs");` },
      { path: "bin/e.ts", text: `import x from "left-pad";` },
    ],
  },
  {
    name: "the engine's primitives are named by their owners only",
    check: (files) =>
      files.filter(isProduct).flatMap((file) => {
        const names = namesIn(file);
        return Object.entries(homeOfName)
          .filter(([name, home]) => names.has(name) && !home.test(file.path))
          .map(([name]) => `${file.path}: names ${name}`);
      }),
    broken: [
      { path: "src/rootfs/a.ts", text: `declare const syscall: (n: number) => number; syscall(1);` },
      { path: "src/elf/b.ts", text: `export const call = (globalThis as never)["syscall"];` },
      { path: "src/elf/c.ts", text: `export const x = latin1(new Uint8Array(1), 0, 1);` },
      { path: "src/kernel/d.ts", text: `latin1Into("", new Uint8Array(1), 0);` },
      { path: "src/hooks/e.ts", text: `declare const root: { procfs(): number }; root.procfs();` },
    ],
  },
  {
    name: "two files mount",
    check: (files) =>
      files
        .filter((file) => isProduct(file) && !/^src\/rootfs\/mount(?:-point)?\.ts$/.test(file.path))
        .filter((file) => importsOf(file).some(({ target }) => target === "src/kernel/mount.ts"))
        .map(({ path }) => path),
    broken: [{ path: "src/rootfs/a.ts", text: `import { mount } from "../kernel/mount.ts";` }],
  },
  {
    name: "one file starts processes, for one importer",
    check: (files) =>
      files.flatMap((file) => {
        if (!isProduct(file) || /^src\/(?:kernel\/(?:syscalls|spawn)|host\/program)\.ts$/.test(file.path)) return [];
        const names = file.path.startsWith("src/kernel/") ? [...namesIn(file)] : [];
        const imports = importsOf(file).filter(({ target }) => target === "src/kernel/spawn.ts");
        return [
          ...names.filter((name) => startsProcess.test(name)).map((name) => `${file.path}: ${name}`),
          ...imports.map(() => `${file.path}: imports spawn.ts`),
        ];
      }),
    broken: [
      { path: "src/kernel/a.ts", text: `export const numbers = { execve: 59 };` },
      { path: "src/kernel/b.ts", text: `export const SYS_clone3 = 435;` },
      { path: "src/host/c.ts", text: `import { spawn } from "../kernel/spawn.ts";` },
    ],
  },
  {
    name: `a file of src/ has at most ${longestFile} lines`,
    check: (files) =>
      files.flatMap(({ path, text }) => {
        const lines = text.split("\n").length - 1;
        if (!path.startsWith("src/") || lines <= longestFile || longFiles[path] !== undefined) return [];
        return [`${path}: ${lines} lines`];
      }),
    broken: [{ path: "src/elf/a.ts", text: "\n".repeat(longestFile + 1) }],
  },
  {
    name: "a file or folder is named for one thing",
    check: (files) =>
      files
        .filter(({ path }) => path.split("/").some((part) => vagueName.test(part.replace(/\..*$/, ""))))
        .map(({ path }) => path),
    broken: [
      { path: "src/elf/utils.ts", text: "" },
      { path: "test/helpers/a.ts", text: "" },
      { path: "scripts/common.mjs", text: "" },
    ],
  },
  {
    name: "nothing is left for later",
    check: (files) =>
      files.flatMap(({ path, text }) => {
        const mark = new RegExp(`\\b(?:${["TO", "DO"].join("")}|${["FIX", "ME"].join("")})\\b`).exec(text);
        return mark === null ? [] : [`${path}: ${mark[0]}`];
      }),
    broken: [{ path: "docs/a.md", text: `Some day. ${["TO", "DO"].join("")}: write this.` }],
  },
  {
    name: "the top of the repository holds what is listed here",
    check: (files) => {
      const found = new Set(files.map(({ path }) => path.split("/")[0] ?? ""));
      return [...found].filter((name) => !topLevel.has(name) && !notInGit.has(name));
    },
    broken: [{ path: "notes.txt", text: "" }],
  },
];

const tree: readonly SourceFile[] = [
  ...["src", "bin", "scripts", "test", "docs", ".ci"]
    .filter((folder) => existsSync(join(top, folder)))
    .flatMap((folder) => filesBelow(top, folder)),
  ...readdirSync(top).map((path) => ({ path, text: "" })),
];

for (const { name, check, broken } of rules) {
  describe(name, () => {
    test("in this repository", () => {
      expect(check(tree)).toEqual([]);
    });

    test.each(broken)("and not in $path", (file) => {
      expect(check([file])).not.toEqual([]);
    });
  });
}

test("the table of imports has no row without a folder, and no circle", () => {
  const present = new Set(tree.filter(isProduct).map(({ path }) => folderOf(path)));
  expect(Object.keys(mayImport).filter((folder) => !present.has(folder))).toEqual([]);
  const folders = Object.keys(mayImport);
  const reaches = (from: string, to: string): boolean =>
    (mayImport[from] ?? []).some((next) => next === to || reaches(next, to));
  expect(folders.filter((folder) => reaches(folder, folder))).toEqual([]);
});

test("files that may be long exist and are long", () => {
  const sizes = new Map(tree.map(({ path, text }) => [path, text.split("\n").length - 1]));
  expect(Object.keys(longFiles).filter((path) => (sizes.get(path) ?? 0) <= longestFile)).toEqual([]);
});

/** Rows of the table in docs/architecture.md (`| oci, cdi | rootfs, host |`) that say something else than the one above. */
function staleRows(document: string): readonly string[] {
  const table = /^\| folder \| may import \|\n\|[-| ]+\n((?:\|.*\n)+)/m.exec(document)?.[1] ?? "";
  return table.split("\n").filter((row) => {
    const [, folders = "", imports = ""] = row.split("|").map((cell) => cell.trim());
    if (folders === "" || imports.startsWith("everything")) return false;
    const listed = imports.startsWith("nothing") ? [] : imports.split(", ").sort();
    return folders.split(", ").some((folder) => String(listed) !== String(mayImport[folder]?.toSorted()));
  });
}

test("the documented table is this one", () => {
  const path = join(top, "docs/architecture.md");
  expect(staleRows(existsSync(path) ? readFileSync(path, "utf8") : "")).toEqual([]);
  // And the comparison notices a difference.
  const header = "text\n\n| folder | may import |\n|---|---|\n";
  expect(staleRows(`${header}| errors, logger | nothing of ours |\n| bytes | errors |\n`)).toEqual([]);
  expect(staleRows(`${header}| kernel, bytes | errors |\n| bin | everything |\n`)).toEqual([
    "| kernel, bytes | errors |",
  ]);
});

/** What esbuild tells of the modules that it made. */
interface Metafile {
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly entryPoint?: string;
        readonly imports: readonly { readonly path: string }[];
        readonly inputs: Readonly<Record<string, unknown>>;
      }
    >
  >;
}

/** The source files of a module and of all that it imports. */
function inputsOf({ outputs }: Metafile, isEntry: (entryPoint: string) => boolean): readonly string[] {
  const reached = new Set(Object.keys(outputs).filter((path) => isEntry(outputs[path]?.entryPoint ?? "")));
  for (const path of reached) for (const { path: next } of outputs[path]?.imports ?? []) reached.add(next);
  return [...reached].flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}));
}

/** Parts that a hook may need. */
const hookParts = /^bin\/cdi-hook\.ts$|:suggest$/;

/** Files that are in the image of the heap and should not be: packages, and the commands for people. */
function needlessInputs(metafile: Metafile): readonly string[] {
  return inputsOf(metafile, (entryPoint) => entryPoint === "bin/cdi-hook.ts").filter(
    (path) =>
      path.includes("node_modules/") ||
      /^src\/(?:logger-|cli\/(?:people|completion|man-page|suggest)|cdi\/spec|image\/|install\/)/.test(path),
  );
}

test("the image of the heap has no package and nothing of the commands for people", (context) => {
  const path = join(top, "dist/modules.meta.json");
  if (!existsSync(path)) context.skip(`needs a build: ${basename(path)}`);
  const metafile = JSON.parse(readFileSync(path, "utf8")) as Metafile;
  expect(Object.keys(metafile.outputs).length).toBeGreaterThan(2);
  expect(needlessInputs(metafile)).toEqual([]);
});

test("NOTICE names each package in the executable, with its license", (context) => {
  const path = join(top, "dist/modules.meta.json");
  if (!existsSync(path)) context.skip(`needs a build: ${basename(path)}`);
  const { outputs } = JSON.parse(readFileSync(path, "utf8")) as Metafile;
  const inputs = Object.values(outputs).flatMap((output) => Object.keys(output.inputs));
  const packages = new Set(inputs.flatMap((input) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)?.[1] ?? []));
  expect(packages.size).toBeGreaterThan(3);
  const notice = readFileSync(join(top, "NOTICE"), "utf8");
  const unnamed = [...packages].filter((name) => {
    const manifest = readFileSync(join(top, "node_modules", name, "package.json"), "utf8");
    const { license } = JSON.parse(manifest) as { readonly license: string };
    return !new RegExp(`^${name}(?: \\(.*\\))?\n  Copyright .*\n  ${license} License, below$`, "m").test(notice);
  });
  expect(unnamed).toEqual([]);
});

test("no hook has what starts a process", (context) => {
  const path = join(top, "dist/modules.meta.json");
  if (!existsSync(path)) context.skip(`needs a build: ${basename(path)}`);
  const metafile = JSON.parse(readFileSync(path, "utf8")) as Metafile;
  const inputs = inputsOf(metafile, (entryPoint) => hookParts.test(entryPoint));
  expect(inputs.filter((input) => /^src\/(?:hooks\/linker|kernel\/files)\.ts$/.test(input))).toHaveLength(2);
  expect(inputs).not.toContain("src/kernel/spawn.ts");
});

test("and one that does is noticed", () => {
  const outputs = {
    "hooks.js": {
      entryPoint: "bin/cdi-hook.ts",
      imports: [{ path: "chunk.js" }],
      inputs: { "src/logger-json.ts": {} },
    },
    "chunk.js": { imports: [], inputs: { "src/errors.ts": {}, "src/cdi/spec.ts": {} } },
    "people.js": {
      entryPoint: "src/cli/people-entry.ts",
      imports: [],
      inputs: { "node_modules/commander/esm.mjs": {} },
    },
  };
  expect(needlessInputs({ outputs })).toEqual(["src/logger-json.ts", "src/cdi/spec.ts"]);
});
