/**
 * What NVIDIA's v1.20.0 leaves in a container in another way than we do: a closed list, whose reasons are in docs/hooks.md,
 * each with the conditions under which it is the difference that is meant.
 */
import { lstatSync, readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { cacheOf, finalPath, folderOf, type ReplayCacheEntry } from "./replay-cache.ts";
import type { ImageKind } from "./replay-root.ts";
import { type ReplayedContainer, replayedWords } from "./replay-spec.ts";
import { type ListedFile, type Listing, listTree } from "./tree-listing.ts";

/** One container after its hooks: ours, and NVIDIA's on an equal root. */
export interface Compared {
  readonly ours: string;
  readonly theirs: string;
  readonly container: ReplayedContainer;
  readonly kind: ImageKind;
}

interface Difference {
  readonly path: string;
  readonly ours: ListedFile | undefined;
  readonly theirs: ListedFile | undefined;
}

interface Allowed {
  readonly what: string;
  readonly path: RegExp;
  readonly holds: (difference: Difference, compared: Compared) => boolean;
}

const configuration = "etc/ld.so.conf.d";
const driverFiles = /^00-nvcr-.+\.conf$/u;
const compatFiles = /^00-compat-.+\.conf$/u;

/** The lines of the files of the configuration that have such a name. */
function lines(root: string, name: RegExp): string[] {
  const names = readdirSync(join(root, configuration)).filter((candidate) => name.test(candidate));
  return names.flatMap((file) =>
    readFileSync(join(root, configuration, file), "utf8")
      .split("\n")
      .filter(Boolean),
  );
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The folders of NVIDIA's drop-ins that are in the container and are not searched anyway, without a slash at their end. */
function usefulFolders({ theirs, kind }: Compared): string[] {
  const system = kind.systemFolders.map((folder) => join(theirs, folder)).filter(isFolder);
  const searched = new Set(system.map((folder) => realpathSync(folder)));
  const folders = lines(theirs, driverFiles).filter(
    (folder) => isFolder(join(theirs, folder)) && !searched.has(realpathSync(join(theirs, folder))),
  );
  return [...new Set(folders.map((folder) => folder.replace(/\/$/u, "")))];
}

const equal = (one: readonly string[], other: readonly string[]): boolean => one.join("\n") === other.join("\n");

/** Whether one of the spec's create-symlinks hooks makes that link: its folder by whatever name. */
function isLinkOfSpec(path: string, { ours, container }: Compared, target?: string): boolean {
  const links = container.hooks
    .map(replayedWords)
    .flatMap(({ hook, all }) => (hook === "create-symlinks" ? all("link") : []));
  return links
    .flatMap((value) => value.split(","))
    .map((link) => link.split("::"))
    .some(
      ([text, link = ""]) =>
        basename(link) === basename(path) &&
        finalPath(ours, dirname(link)) === finalPath(ours, dirname(path)) &&
        (target === undefined || target === text),
    );
}

/** Whether a cache is the other's, in its order, with entries more that are links of the spec's. */
function hasMoreLinks(
  ours: readonly ReplayCacheEntry[],
  theirs: readonly ReplayCacheEntry[],
  compared: Compared,
): boolean {
  const text = ({ key, value, flags }: ReplayCacheEntry): string => `${flags} ${key} ${value}`;
  const known = new Set(theirs.map(text));
  const [kept, added] = [
    ours.filter((entry) => known.has(text(entry))),
    ours.filter((entry) => !known.has(text(entry))),
  ];
  return (
    equal(kept.map(text), theirs.map(text)) &&
    added.every(({ key, value }) => basename(value) === key && isLinkOfSpec(value, compared))
  );
}

function withFinalFolders(root: string): ReplayCacheEntry[] {
  return cacheOf(root).map((entry) => ({
    ...entry,
    value: join(folderOf(root, entry.value) ?? "", basename(entry.value)),
  }));
}

const onlyTheirs = ({ ours, theirs }: Difference): boolean => ours === undefined && theirs !== undefined;

/** Every difference that there may be. */
export const allowedDifferences: readonly Allowed[] = [
  {
    what: "name of the drop-in with the driver's folders, and folders in it that are not there or are searched anyway",
    path: /^\/etc\/ld\.so\.conf\.d\/00-nvcr-(?:\d+|cdi-hook)\.conf$/u,
    holds: ({ ours, theirs }, compared) =>
      (ours ?? theirs)?.mode === 0o644 && equal(lines(compared.ours, driverFiles), usefulFolders(compared)),
  },
  {
    what: "name of the drop-in with the compat folder",
    path: /^\/etc\/ld\.so\.conf\.d\/00-compat-(?:[\da-f-]{36}|cdi-hook)\.conf$/u,
    holds: ({ ours, theirs }, compared) =>
      (ours ?? theirs)?.mode === 0o644 && equal(lines(compared.ours, compatFiles), lines(compared.theirs, compatFiles)),
  },
  {
    what: "drop-in with the system's folders",
    path: /^\/etc\/ld\.so\.conf\.d\/zz-nvcr-\d+\.conf$/u,
    holds: (difference, { theirs, kind }) =>
      onlyTheirs(difference) &&
      equal([...new Set(lines(theirs, /^zz-nvcr-/u))].toSorted(), kind.systemFolders.toSorted()),
  },
  {
    what: "mount point for the host's ldconfig",
    path: /^\/run\/nvidia-ctk-hook(?:\/[\da-f-]{36})?$/u,
    holds: (difference) => onlyTheirs(difference) && difference.theirs?.type === "directory",
  },
  {
    what: "ldconfig's own memory",
    path: /^\/var\/cache\/ldconfig\/aux-cache$/u,
    holds: ({ theirs }) => theirs?.type === "file",
  },
  {
    what: "entries of the cache for links that led nowhere when the hooks began",
    path: /^\/etc\/ld\.so\.cache$/u,
    holds: ({ ours, theirs }, compared) =>
      ours?.mode === theirs?.mode && hasMoreLinks(cacheOf(compared.ours), cacheOf(compared.theirs), compared),
  },
  {
    what: "folders of the cache's entries by another name, where NVIDIA's drop-in names one that is searched anyway",
    path: /^\/etc\/ld\.so\.cache$/u,
    holds: ({ ours, theirs }, compared) =>
      ours?.mode === theirs?.mode &&
      !equal(lines(compared.theirs, driverFiles), usefulFolders(compared)) &&
      hasMoreLinks(withFinalFolders(compared.ours), withFinalFolders(compared.theirs), compared),
  },
  {
    what: "links of the spec to a soname's link, which ldconfig removes before it makes that",
    path: /\/lib[^/]*\.so\.[^/]*$/u,
    holds: ({ path, ours, theirs }, compared) =>
      theirs === undefined &&
      ours?.type === "link" &&
      isLinkOfSpec(path, compared, ours.target) &&
      finalPath(compared.ours, path) !== undefined,
  },
];

export interface Verdict {
  /** Differences that no entry of the list allows, one line each. */
  readonly unexplained: readonly string[];
  /** Entries of the list that were met. */
  readonly met: readonly string[];
}

/** Compares the two trees. The bytes of files outside of `/usr` count; the libraries there are the same for both. */
export function compareWithNvidia(compared: Compared): Verdict {
  const list = (root: string): Listing => {
    const folders = readdirSync(root).filter((name) => lstatSync(join(root, name)).isDirectory() && name !== "usr");
    return listTree(root, { contentBelow: folders.map((name) => `/${name}`) });
  };
  const [ours, theirs] = [list(compared.ours), list(compared.theirs)] as const;
  const unexplained: string[] = [];
  const met = new Set<string>();
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const difference: Difference = { path, ours: ours.get(path), theirs: theirs.get(path) };
    const [one, other] = [difference.ours, difference.theirs].map(describe);
    if (one === other) continue;
    const allowed = allowedDifferences.find((entry) => entry.path.test(path) && entry.holds(difference, compared));
    if (allowed === undefined) unexplained.push(`${path}: ours ${one}, NVIDIA's ${other}`);
    else met.add(allowed.what);
  }
  return { unexplained, met: [...met] };
}

function describe(file: ListedFile | undefined): string {
  if (file === undefined) return "missing";
  return [file.type, file.mode.toString(8), file.target ?? file.content ?? file.size ?? ""].join(" ");
}
