/** Which file names may be libraries (glibc's _dl_is_dso and ldconfig.c's skip_dso_based_on_name). */

// lastIndexOf(x, 0) === 0 and indexOf(x) >= 0 are startsWith and includes, in half the time: those two look for a regular
// expression first.

/** Whether a name looks like a library: `lib*.so*`, `ld-*.so*`, and by `loaderNames` also `ld.so.*` and `ld64.so.*`. */
export function isLibraryName(name: string, loaderNames: boolean): boolean {
  if (name.lastIndexOf("lib", 0) === 0 || name.lastIndexOf("ld-", 0) === 0) {
    return name.indexOf(".so") >= 0;
  }
  return loaderNames && (name.lastIndexOf("ld.so.", 0) === 0 || name.lastIndexOf("ld64.so.", 0) === 0);
}

const PRELINK = ".#prelink#";
/** `.#prelink#.XXXXXX` */
const PRELINK_TEMPORARY = 17;

/** Whether a name is of a file that prelink makes for a moment, or, by `packageManagers`, rpm or dpkg. */
export function isTemporaryName(name: string, packageManagers: boolean): boolean {
  if (name.endsWith(PRELINK)) return true;
  if (name.length >= PRELINK_TEMPORARY && name.startsWith(`${PRELINK}.`, name.length - PRELINK_TEMPORARY)) return true;
  return packageManagers && (name.includes(";") || name.endsWith(".dpkg-new") || name.endsWith(".dpkg-tmp"));
}

/** Whether any of the names may be a temporary one: spares asking each of them. */
export function anyTemporary(names: string): boolean {
  return names.indexOf("#") >= 0 || names.indexOf(";") >= 0 || names.indexOf(".dpkg-") >= 0;
}
