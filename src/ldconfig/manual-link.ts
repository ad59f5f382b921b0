import type { Directory } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { FolderNames } from "./folder-names.ts";
import { Libraries } from "./libraries.ts";
import { FolderLinks } from "./links.ts";
import type { Observer } from "./observer.ts";
import type { Profile } from "./profile.ts";
import { implicitSoname, type Offer } from "./scan.ts";
import type { Folder } from "./search-path.ts";
import { DT_REG } from "../rootfs/constants.ts";

/** As many names of one folder are looked at. */
const NAME_LIMIT = 500_000;

/** What is told of a file that gets no link. */
export interface ManualLinkObserver extends Observer {
  /** There is no such file, or no such folder; -errno. */
  unseen(path: string, result: number): void;
  /** It is a folder, a link, or whatever else. */
  irregular(path: string): void;
  /** It is no library. */
  sonameless(path: string): void;
}

/**
 * `ldconfig -l`: makes the soname's link beside one library file, as `observer` is told; or only looks at it, unless
 * `makes`. A relative path starts at `from`. Nothing is thrown: whatever is wrong with the file is told.
 */
export function linkManually(
  root: Root,
  path: string,
  from: string,
  profile: Profile,
  makes: boolean,
  observer: ManualLinkObserver,
): void {
  const slash = path.lastIndexOf("/");
  const name = path.slice(slash + 1);
  const parent = slash < 0 ? "." : path.slice(0, slash);
  const opened = root.directory(slash === 0 ? "/" : parent, from);
  if (typeof opened === "number") return observer.unseen(slash < 0 ? parent : path, opened);
  using directory = opened;
  const names = new FolderNames(directory, directory.list(NAME_LIMIT), directory.links);
  const at = names.find(name);
  const listed = at === undefined ? undefined : names.listed[at];
  if (at === undefined || listed === undefined)
    return name === "" || name === "." || name === ".."
      ? observer.irregular(path)
      : unseen(directory, name, path, observer);
  if (names.typeOf(at) !== DT_REG) return observer.irregular(path);
  const file = new Libraries(root, profile.library).named(directory, listed);
  names.libraries[at] = file;
  if (typeof file === "number") return observer.unopened(path, file, false);
  if (file.skip !== undefined) {
    observer.skipped(path, file);
    return observer.sonameless(path);
  }
  const soname = file.soname ?? implicitSoname(name, file, profile);
  const place = names.placeOf(soname);
  const offer: Offer = { soname, place, name, at, flags: file.flags, isLink: false, file };
  const folder: Folder = { path: parent, origin: { file: "<cmdline>", line: 0 }, hwcaps: undefined, type: -1 };
  const links = new FolderLinks(root, directory, names, profile.keepsLoaderLinks);
  const state = links.state(offer);
  if (state === "occupied") observer.offered(folder, offer, state);
  else if (state === "right" || !makes) observer.offered(folder, offer, state === "right" ? "kept" : "unmade");
  else {
    const failed = state === "impossible" || links.mend(offer, state) !== undefined;
    observer.offered(folder, offer, failed ? "failed" : "changed");
  }
}

function unseen(directory: Directory, name: string, path: string, observer: ManualLinkObserver): void {
  const result = directory.stat(name);
  if (typeof result === "number") observer.unseen(path, result);
  else observer.irregular(path);
}
