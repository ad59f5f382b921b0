import type { Subfolder } from "./subfolders.ts";

/** A folder of a search list, for the whole process: one for each spelling of a path. */
export interface SearchFolder {
  /** With a slash at its end; empty for the working directory. */
  readonly path: string;
  /** By subfolder, whether it exists: it is looked at once, when something is first looked for in it. */
  readonly states: ("unknown" | "there" | "missing")[];
}

/** Folders that are searched one after the other. */
export interface SearchList {
  readonly folders: readonly SearchFolder[];
  /** Whether it is forgotten once none of its folders is found to exist. */
  readonly forgettable: boolean;
  forgotten: boolean;
}

/** Folders of one list that are taken; no loader has such a limit, no list of sane length reaches it. */
const MOST_FOLDERS = 1024;

/** All folders that a process knows. */
export class SearchFolders {
  readonly subfolders: readonly Subfolder[];
  readonly #known = new Map<string, SearchFolder>();

  constructor(subfolders: readonly Subfolder[]) {
    this.subfolders = subfolders;
  }

  /**
   * A list of such folders, without repetitions and empty words; "" for those is the working directory (glibc's
   * elf/dl-load.c, fillin_rpath). `expand` puts in tokens, undefined leaves a folder out.
   */
  list(words: readonly string[], expand: (word: string) => string | undefined, forgettable: boolean): SearchList {
    const folders = new Set<SearchFolder>();
    for (const word of words) {
      if (folders.size >= MOST_FOLDERS) break;
      const path = word === "" ? "" : expand(word);
      if (path === undefined || (path === "" && word !== "")) continue;
      folders.add(this.#folder(path === "" ? "" : withOneSlash(path)));
    }
    return { folders: [...folders], forgettable, forgotten: folders.size === 0 };
  }

  #folder(path: string): SearchFolder {
    let folder = this.#known.get(path);
    if (folder === undefined) {
      // A relative folder is not looked for: it may be another one tomorrow.
      const state = path.startsWith("/") ? "unknown" : "there";
      folder = { path, states: this.subfolders.map(() => state) };
      this.#known.set(path, folder);
    }
    return folder;
  }
}

function withOneSlash(path: string): string {
  let end = path.length;
  while (end > 1 && path[end - 1] === "/") end -= 1;
  return path[end - 1] === "/" ? path.slice(0, end) : `${path.slice(0, end)}/`;
}
