import { fromText, toText } from "../bytes/text.ts";
import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import type { Root } from "../rootfs/root.ts";

/** Where musl looks when it has no path file (musl, ldso/dynlink.c). A path file replaces this list. */
const defaultFolders: readonly string[] = ["/lib", "/usr/local/lib", "/usr/lib"];

/** musl's architectures whose libraries are 32-bit ELF files; all others have 64-bit ones. */
const narrow =
  /^(?:i386|x32|arm|armeb|armhf|armebhf|m68k|microblaze|mips(?:n32)?|or1k|powerpc|riscv32|sh)(?:el|-sf|-.*)?$/;

const largestPathFile = 64 * 1024;
/** Libraries of a folder whose class is looked at. */
const librariesRead = 64;

const elfMagic = "\x7fELF";
const EI_CLASS = 4;
const ELFCLASS32 = 1;
const ELFCLASS64 = 2;

/** The architectures of the musl loaders in the container: `x86_64` for `/lib/ld-musl-x86_64.so.1`. */
export function muslArchitectures(root: Root): string[] {
  const directory = root.directory("/lib");
  if (typeof directory === "number") return [];
  using lib = directory;
  return lib.list().names.flatMap((name) => /^ld-musl-([a-zA-Z0-9_-]{1,32})\.so\.1$/.exec(name)?.[1] ?? []);
}

/**
 * Adds folders to the path file of each musl loader, before what it lists already; a new file lists musl's own folders as
 * well. musl takes the first file with the right name and gives up when it is of the wrong class, so a folder is added for
 * the loaders of its libraries' classes only. Throws HookError when a file cannot be read or written.
 */
export function updateMuslPaths(root: Root, folders: readonly string[], log: Log): void {
  const classes = new Map(folders.map((folder) => [folder, classesIn(root, folder)]));
  for (const architecture of muslArchitectures(root)) {
    const elfClass = narrow.test(architecture) ? ELFCLASS32 : ELFCLASS64;
    const fitting = folders.filter((folder) => {
      const found = classes.get(folder);
      return found === undefined || found.size === 0 ? elfClass === ELFCLASS64 : found.has(elfClass);
    });
    updatePathFile(root, `/etc/ld-musl-${architecture}.path`, fitting, log);
  }
}

function updatePathFile(root: Root, path: string, folders: readonly string[], log: Log): void {
  let before: string | undefined;
  if (typeof root.lstat(path) !== "number") {
    const bytes = root.read(path, largestPathFile);
    if (typeof bytes === "number") throw new HookError("kernel", "read", path, "not a regular file, or too large");
    before = toText(bytes);
  }
  const after = withFolders(before, folders);
  if (after === before || after === undefined) {
    log.debug(`${path}: unchanged`);
    return;
  }
  root.replaceFile(path, fromText(after), 0o644);
  if (log.debugging) log.debug(`${path}: names ${folders.join(", ")}`);
}

/** The content of a path file with folders added at its beginning; what it was when it names them all. */
export function withFolders(content: string | undefined, folders: readonly string[]): string | undefined {
  const present = content === undefined ? defaultFolders : content.split(/[:\n]/).filter((entry) => entry !== "");
  const missing = folders.filter((folder) => !present.includes(folder));
  return missing.length === 0 ? content : [...missing, ...present].map((folder) => `${folder}\n`).join("");
}

/** The ELF classes of a folder's libraries. */
function classesIn(root: Root, folder: string): Set<number> {
  const classes = new Set<number>();
  const directory = root.directory(folder);
  if (typeof directory === "number") return classes;
  using open = directory;
  const libraries = open.list().names.filter((name) => /^lib.+\.so/.test(name));
  for (const name of libraries.slice(0, librariesRead)) {
    const file = open.open(name);
    if (typeof file === "number") continue;
    using library = file;
    const start = library.read(0, EI_CLASS + 1);
    const elfClass = start[EI_CLASS];
    if (elfClass !== undefined && toText(start, 0, EI_CLASS) === elfMagic) classes.add(elfClass);
  }
  return classes;
}
