/**
 * What a spec's hooks should leave in a container, done to a copy of it in a few plain lines for each hook: with none of the
 * product's code, and none of its care for hostile roots.
 */
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { cacheOf, finalPath, folderOf } from "./replay-cache.ts";
import { compatFolder, compatMajors, type ImageKind, sonameOf } from "./replay-root.ts";
import { type ReplayedContainer, type ReplayedWords, replayedWords } from "./replay-spec.ts";

const configuration = "etc/ld.so.conf.d";
const driverDropIn = "00-nvcr-cdi-hook.conf";
const compatDropIn = "00-compat-cdi-hook.conf";
const profileFolder = "etc/nvidia/nvidia-application-profiles-rc.d";

/** Does the work of ldconfig: links, and a cache if it can. */
export type Ldconfig = (root: string, kind: ImageKind) => void;

/** Does to a furnished root what the hooks should. */
export function plainHooks(root: string, container: ReplayedContainer, kind: ImageKind, ldconfig: Ldconfig): void {
  for (const hook of container.hooks) {
    const words = replayedWords(hook);
    if (words.hook === "create-symlinks") makeLinks(root, words);
    else if (words.hook === "enable-cuda-compat") enableCompat(root, words);
    else if (words.hook === "chmod") setModes(root, words);
    else if (words.hook === "update-application-profile") writeProfile(root);
    else if (words.hook === "update-ldcache") {
      nameFolders(root, words, kind);
      ldconfig(root, kind);
    }
  }
}

/** Values split at commas. */
const split = (values: readonly string[]): string[] => values.flatMap((value) => value.split(","));

function makeLinks(root: string, words: ReplayedWords): void {
  const links = words.all("link").flatMap((value) => {
    const pieces = value.split(",");
    return pieces.every((piece) => piece.split("::").length === 2) ? pieces : [value];
  });
  for (const link of links) {
    const [target = "", path = ""] = link.split("::");
    mkdirSync(dirname(join(root, path)), { recursive: true });
    rmSync(join(root, path), { force: true });
    symlinkSync(target, join(root, path));
  }
}

/** The furnished compat folder is newer than every driver: what its note names decides. */
function enableCompat(root: string, words: ReplayedWords): void {
  const major = Number.parseInt(words.last("host-driver-version"), 10);
  if (compatMajors.includes(major)) writeFileSync(join(root, configuration, compatDropIn), `${compatFolder}\n`);
}

function nameFolders(root: string, words: ReplayedWords, kind: ImageKind): void {
  const path = join(root, configuration, driverDropIn);
  const before = existsSync(path) ? linesOf(path) : [];
  const others = new Set(searched(root, kind, [driverDropIn]).map((folder) => realpathSync(join(root, folder))));
  const given = split(words.all("folder")).map((folder) => folder.replace(/\/$/u, ""));
  const wanted = given.filter(
    (folder) =>
      statSync(join(root, folder), { throwIfNoEntry: false })?.isDirectory() === true &&
      !others.has(realpathSync(join(root, folder))),
  );
  const lines = [...new Set([...before, ...wanted])];
  if (lines.length > 0) writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
}

const linesOf = (path: string): string[] => readFileSync(path, "utf8").split("\n").filter(Boolean);

/** The folders that are there and searched, in their order. */
function searched(root: string, kind: ImageKind, without: readonly string[] = []): string[] {
  const files = readdirSync(join(root, configuration)).filter((name) => name.endsWith(".conf"));
  const lines = files
    .filter((name) => !without.includes(name))
    .sort()
    .flatMap((name) => linesOf(join(root, configuration, name)).filter((line) => line.startsWith("/")));
  return [...lines, ...kind.systemFolders].filter((folder) => existsSync(join(root, folder)));
}

function setModes(root: string, words: ReplayedWords): void {
  for (const path of split(words.all("path"))) {
    if (existsSync(join(root, path))) chmodSync(join(root, path), Number.parseInt(words.last("mode"), 8));
  }
}

function writeProfile(root: string): void {
  const names = readdirSync(join(root, "dev")).filter((name) => /^nvidia\d+$/u.test(name));
  if (names.length === 0) return;
  const mask = names.reduce((bits, name) => bits | (1n << BigInt(name.slice("nvidia".length))), 0n);
  mkdirSync(join(root, profileFolder), { recursive: true });
  const settings = `["EGLVisibleDGPUDevices",0x${mask.toString(16)}]`;
  const path = join(root, profileFolder, "10-container.conf");
  const profile = `{"profiles":[{"name":"_container_","settings":${settings}}],"rules":[{"pattern":[],"profile":"_container_"}]}`;
  writeFileSync(path, profile);
  chmodSync(path, 0o444);
  for (const folder of [profileFolder, dirname(profileFolder)]) chmodSync(join(root, folder), 0o555);
}

interface Library {
  readonly folder: string;
  readonly name: string;
  readonly soname: string;
  /** A link such as libx.so, for linkers: it needs no link of the soname. */
  readonly development: boolean;
}

/** Libraries of the folders that are searched, each folder once; as ldconfig chooses by name and type. */
function libraries(root: string, kind: ImageKind): Library[] {
  const folders = searched(root, kind).map((folder) => finalPath(root, folder) ?? folder);
  return [...new Set(folders)].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => /^lib.*\.so/u.test(name))
      .flatMap((name): Library[] => {
        const file = finalPath(root, `${folder}/${name}`);
        if (file === undefined || !lstatSync(join(root, file)).isFile()) return [];
        const soname = sonameOf(basename(file));
        const isLink = lstatSync(join(root, folder, name)).isSymbolicLink();
        return [{ folder, name, soname, development: isLink && name.endsWith(".so") && soname.startsWith(name) }];
      }),
  );
}

/** Links of sonames, as far as these roots go: no two libraries of one folder have the same one. */
export function linkSonames(root: string, kind: ImageKind): void {
  for (const { folder, name, soname, development } of libraries(root, kind)) {
    const path = join(root, folder, soname);
    if (!development && lstatSync(path, { throwIfNoEntry: false }) === undefined) symlinkSync(name, path);
  }
}

/** What is wrong with the cache of a root, one line each: entries that are missing, too many, or in another order. */
export function cacheProblems(root: string, kind: ImageKind): string[] {
  const wanted = new Map<string, Set<string>>();
  for (const { folder, name, soname, development } of libraries(root, kind)) {
    const key = development ? name : soname;
    wanted.set(key, (wanted.get(key) ?? new Set()).add(`${folder}/${key}`));
  }
  const got = new Map<string, Set<string>>();
  const problems: string[] = [];
  for (const { key, value, flags } of cacheOf(root)) {
    got.set(key, (got.get(key) ?? new Set()).add(`${folderOf(root, value)}/${basename(value)}`));
    if (flags !== kind.flags) problems.push(`${key} => ${value} has the flags ${flags.toString(16)}`);
    if (finalPath(root, value) === undefined) problems.push(`${key} => ${value} leads nowhere`);
  }
  for (const key of new Set([...wanted.keys(), ...got.keys()])) {
    const [expected, actual] = [wanted, got].map((entries) => [...(entries.get(key) ?? [])].join(", "));
    if (expected !== actual) problems.push(`${key}: expected "${expected}", found "${actual}"`);
  }
  return problems;
}
