/** Files of the host that stand for what a read-only root lacks: in a folder of its own for each container. */
import { HookError } from "../errors.ts";
import { hostFolder } from "../host/folder.ts";
import { hostFacts } from "../host/host-facts.ts";
import { makeHostDirectory, removeHostDirectory, removeHostFile } from "../host/host-directory.ts";
import { makeHostDirectories } from "../host/regular-file.ts";
import { installHostFile } from "../host/replace-file.ts";
import { effectiveUser } from "../host/user.ts";

export const usualStateFolder = "/run/cdi-hook";
const folderMode = 0o700;
const mostFiles = 4096;

/** A bind mount as config.json has it. */
export type EmittedMount = {
  readonly destination: string;
  readonly type: "bind";
  readonly source: string;
  readonly options: readonly string[];
};

const options = ["bind", "ro", "nosuid", "nodev", "noexec"];

/** The folder of a container. Throws HookError `usage` for what is no name of one. */
export function stateFolderOf(folder: string, id: string): string {
  if (!folder.startsWith("/")) throw new HookError("usage", "parse --state-dir", folder, "not an absolute path");
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,254}$/.test(id))
    throw new HookError("usage", "use as a container's id", id, "letters, digits and _ . + - are allowed");
  return `${folder.replace(/\/+$/, "")}/${id}`;
}

/**
 * Writes the files into the container's folder, which is made, 0700, and emptied of what is no longer needed. Answers with
 * the mounts that put them in their places. Throws HookError `kernel`, and `refused` for a folder that is not ours alone.
 */
export function writeState(
  folder: string,
  files: readonly { readonly path: string; readonly mode: number; readonly bytes: Uint8Array }[],
): readonly EmittedMount[] {
  makeHostDirectories(folder.slice(0, folder.lastIndexOf("/")), folderMode);
  makeHostDirectory(folder, folderMode);
  refuseForeign(folder);
  const mounts = files.map(({ path, mode, bytes }, at): EmittedMount => {
    const source = `${folder}/${at}-${path.slice(path.lastIndexOf("/") + 1)}`;
    installHostFile(source, bytes, { mode, attributes: [] }, () => undefined);
    return { destination: path, type: "bind", source, options };
  });
  for (const name of hostFolder(folder, "kernel", mostFiles)) {
    const path = `${folder}/${name}`;
    if (!mounts.some(({ source }) => source === path)) removeHostFile(path);
  }
  return mounts;
}

/** Removes a container's folder and the files in it; nothing there is as good. Throws HookError `kernel`, `refused`. */
export function removeState(folder: string): void {
  if (hostFacts(folder) === undefined) return;
  refuseForeign(folder);
  for (const name of hostFolder(folder, "kernel", mostFiles)) removeHostFile(`${folder}/${name}`);
  const why = removeHostDirectory(folder);
  if (why !== undefined) throw new HookError("kernel", "remove directory", folder, why);
}

function refuseForeign(folder: string): void {
  const facts = hostFacts(folder);
  if (facts?.type === "directory" && facts.uid === effectiveUser() && (facts.mode & 0o077) === 0) return;
  throw new HookError("refused", "use", folder, "not a directory that only we can enter");
}
