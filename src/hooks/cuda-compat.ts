import { fromText } from "../bytes/text.ts";
import type { Log } from "../logger.ts";
import { DT_REG, DT_UNKNOWN, S_IFREG, describeErrno } from "../rootfs/constants.ts";
import type { Directory } from "../rootfs/directory.ts";
import type { Root } from "../rootfs/root.ts";
import { decideCompat } from "./cuda-compat-decision.ts";
import { compatDropInPath } from "./cuda-compat-drop-in.ts";
import { readCompatNote, type CompatNote } from "./cuda-compat-note.ts";
import { readDropIn, removeDropIn } from "./drop-in-file.ts";
import { ldSoConf, normalFolder } from "./folder-argument.ts";
import type { HookCall } from "./hook.ts";

const libraryName = /^libcuda\.so\.[^]*\.[^]*$/;
const prefix = "libcuda.so.";
/** Names of a folder that are looked at; the compatibility package has a dozen. */
const mostNames = 10_000;

/** The image's compatibility libraries. */
interface CompatLibraries {
  /** The folder's path without links, as it can stand in ld.so.conf. */
  readonly folder: string;
  /** What follows `libcuda.so.` in the library's name. */
  readonly version: string;
  readonly note: CompatNote | undefined;
}

/** What enable-cuda-compat does once it has something to compare with. Throws HookError. */
export function enableCompat({ flags, log, root }: HookCall): void {
  const container = root();
  const libraries = findLibraries(container, flags.text("cuda-compat-container-root"), log);
  const use =
    libraries !== undefined &&
    isWanted(libraries, flags.text("host-driver-version"), flags.text("host-cuda-version"), log);
  updateDropIn(container, use ? `${libraries.folder}\n` : "", log);
}

function isWanted({ version, note }: CompatLibraries, hostDriver: string, hostCuda: string, log: Log): boolean {
  const { use, why } = decideCompat({ compat: version, note, hostDriver, hostCuda });
  log.debug(`compatibility libraries ${version} ${use ? "are" : "are not"} used: ${why}`);
  return use;
}

/** Undefined when the folder is missing, when it does not hold exactly one libcuda, and when it cannot be named. */
function findLibraries(root: Root, argument: string, log: Log): CompatLibraries | undefined {
  const path = normalFolder(argument);
  const opened = path === undefined ? undefined : root.directory(path);
  if (typeof opened !== "object") {
    log.debug(`no compatibility libraries: ${argument}: ${opened === undefined ? "no folder" : describeErrno(opened)}`);
    return undefined;
  }
  using folder = opened;
  const names = librariesIn(folder);
  const [name] = names;
  if (name === undefined) {
    log.debug(`no compatibility libraries in ${folder.path}`);
    return undefined;
  }
  if (names.length > 1) {
    log.warn(
      `compatibility libraries are not used: ${folder.path} has several of them: ${names.slice(0, 5).join(", ")}`,
    );
    return undefined;
  }
  if (ldSoConf.forbidden.test(folder.path)) {
    log.warn(`compatibility libraries are not used: ${ldSoConf.file} cannot name ${folder.path}`);
    return undefined;
  }
  return { folder: folder.path, version: name.slice(prefix.length), note: noteOf(folder, name, log) };
}

function librariesIn(folder: Directory): string[] {
  const { names, types } = folder.list(mostNames);
  return names.filter(
    (name, at) =>
      libraryName.test(name) && (types[at] === DT_REG || (types[at] === DT_UNKNOWN && isFile(folder, name))),
  );
}

function isFile(folder: Directory, name: string): boolean {
  const facts = folder.stat(name);
  return typeof facts === "object" && facts.type === S_IFREG;
}

function noteOf(folder: Directory, name: string, log: Log): CompatNote | undefined {
  const opened = folder.open(name);
  if (typeof opened === "number") {
    log.warn(`${folder.path}/${name}: ${describeErrno(opened)}`);
    return undefined;
  }
  using file = opened;
  const note = readCompatNote(file);
  if (typeof note !== "string") return note;
  log.warn(`${folder.path}/${name}: its note of compatible drivers is not used: ${note}`);
  return undefined;
}

/** A file that says so already is left alone; one that would be empty is removed. */
function updateDropIn(root: Root, after: string, log: Log): void {
  const before = readDropIn(root, compatDropInPath);
  if (after === (before ?? "")) {
    log.debug(`${compatDropInPath}: ${before === undefined ? "not needed" : "unchanged"}`);
  } else if (after === "") removeDropIn(root, compatDropInPath, log);
  else {
    root.replaceFile(compatDropInPath, fromText(after), 0o644);
    log.debug(`${compatDropInPath}: written`);
  }
}
