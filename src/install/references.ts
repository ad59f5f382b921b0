/** Who on the node points to an installation. */

import { cdiDirectories, isSpecName, parseSpecFile } from "../cdi/read.ts";
import type { Hook, Spec } from "../cdi/spec.ts";
import { HookError } from "../errors.ts";
import { readHostFile } from "../host/file.ts";
import { hostFolder } from "../host/folder.ts";
import { hostFactsBehindLinks } from "../host/host-facts.ts";

const mostNames = 10_000;
const largestFile = 16 << 20;

/** Hooks of OCI that podman and CRI-O add to containers (oci-hooks(5)). */
const hookDirectories: readonly string[] = ["/usr/share/containers/oci/hooks.d", "/etc/containers/oci/hooks.d"];

/** Where NVIDIA's tools are told a path of a hook or of nvidia-ctk. */
const toolSettings: readonly string[] = [
  "/etc/nvidia-container-runtime/config.toml",
  "/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env",
];

/** All hooks of a spec. */
export function hooksOf(spec: Spec): readonly Hook[] {
  return [spec, ...spec.devices].flatMap(({ containerEdits }) => containerEdits.hooks);
}

/**
 * The files that name something in `bin`: CDI specs, by any path that leads there, and as text where they cannot be read
 * as specs; other hooks' files and NVIDIA's settings, as text.
 */
export function referencesTo(bin: string, executable: string): readonly string[] {
  const identity = hostFactsBehindLinks(executable)?.identity;
  const leadsThere = ({ path }: Hook): boolean =>
    path.startsWith(`${bin}/`) || (identity !== undefined && hostFactsBehindLinks(path)?.identity === identity);
  const specs = cdiDirectories.flatMap((directory) => pathsIn(directory, isSpecName));
  const others = [...hookDirectories.flatMap((directory) => pathsIn(directory, isHookName)), ...toolSettings];
  const seen = new Set<number>();
  return [
    ...specs.filter((path) => {
      const found = hostFactsBehindLinks(path);
      if (found === undefined || seen.has(found.identity)) return false; // /var/run may be /run, or a link may lead nowhere
      seen.add(found.identity);
      const text = textOf(path);
      if (names(text, bin)) return true;
      const { spec } = parseSpecFile(path, undefined, text);
      return spec !== undefined && hooksOf(spec).some(leadsThere);
    }),
    ...others.filter((path) => names(textOf(path), bin)),
  ];
}

function isHookName(name: string): boolean {
  return name.endsWith(".json");
}

function pathsIn(directory: string, wanted: (name: string) => boolean): readonly string[] {
  const found = hostFolder(directory, "kernel", mostNames);
  return typeof found === "string" ? [] : found.filter(wanted).map((name) => `${directory}/${name}`);
}

/** A file's text; "" for what is not a file. Throws HookError for one that cannot be read: it may point to us. */
function textOf(path: string): string {
  const facts = hostFactsBehindLinks(path);
  if (facts?.type !== "file") return "";
  if (facts.size > largestFile) throw new HookError("limit", "read", path, `larger than ${largestFile} bytes`);
  return readHostFile(path, "kernel", largestFile);
}

/** JSON may write a slash as `\/`. */
function names(text: string, bin: string): boolean {
  return text.replaceAll("\\/", "/").includes(`${bin}/`);
}
