/** Runs the hooks of a spec on a root, as a runtime would: ours by the names that the spec has for them, and NVIDIA's. */
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { executablePath, runHook, stateFor } from "./executable.ts";
import type { ReplayedContainer, ReplayHook } from "./replay-spec.ts";

const environmentOf = (hook: ReplayHook): Record<string, string> =>
  Object.fromEntries(hook.env.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));

/** What a hook is called: as `args[0]` says, or as the last part of the path is. */
export type CalledBy = "args[0]" | "path";

function nameOf({ path, args }: ReplayHook, calledBy: CalledBy): string {
  return calledBy === "path" ? basename(path) : (args[0] ?? "");
}

/** The ways in which the hooks of a spec can be called that make a difference; none when it has no hooks. */
export function waysOfCalling({ hooks }: ReplayedContainer): CalledBy[] {
  if (hooks.length === 0) return [];
  const same = hooks.every((hook) => nameOf(hook, "args[0]") === nameOf(hook, "path"));
  return same ? ["args[0]"] : ["args[0]", "path"];
}

/** The bundle's configuration, as far as hooks read it. */
function writeConfiguration(root: string): void {
  const config = { ociVersion: "1.0.2", process: { env: ["PATH=/usr/bin"] }, root: { path: basename(root) } };
  writeFileSync(join(dirname(root), "config.json"), JSON.stringify(config));
}

/**
 * Runs every hook of the container: the executable by a link that is named as the spec's path is, in the root, with the
 * entry's own environment.
 *
 * @returns what is printed on stderr
 * @throws Error when a hook does not end with 0, or prints on stdout
 */
export function replay(root: string, container: ReplayedContainer, calledBy: CalledBy = "args[0]"): string {
  writeConfiguration(root);
  return container.hooks
    .map((hook) => {
      const link = join(dirname(root), "bin", hook.path);
      mkdirSync(dirname(link), { recursive: true });
      if (!existsSync(link)) symlinkSync(executablePath, link);
      const options = { argv0: nameOf(hook, calledBy), env: environmentOf(hook), cwd: root, stdin: stateFor(root) };
      const { status, stdout, stderr } = runHook(hook.args.slice(1), { ...options, executable: link });
      if (status !== 0 || stdout.length > 0)
        throw new Error(`${hook.args.join(" ")}: ${status}: ${stdout.toString()} ${stderr}`);
      return stderr;
    })
    .join("");
}

/** Flags in the samples that NVIDIA's v1.20.0 ends at, with the values that they have there. */
const refusedByNvidia = [
  ["--csv-filename", "/etc/nvidia-container-runtime/host-files-for-container.d/l4t.csv"],
  ["--host-root", "/run/nvidia/driver"],
  ["--driver-root", ""],
  ["--ldconfig-path", "/run/nvidia/driver/sbin/ldconfig"],
  ["-ldconfig-path="],
  ["--atomic"],
  ["--owner=0"],
  ["--cache-format", "newest"],
  ["-x"],
];

/** Words of a hook without what stops NVIDIA's: the word `hook`, which is nvidia-ctk's, and those flags. */
function wordsForNvidia({ args }: ReplayHook): string[] {
  const words = args.slice(1).filter((word) => word !== "hook");
  for (const flag of refusedByNvidia) {
    const at = words.findIndex((_, index) => flag.every((word, offset) => words[index + offset] === word));
    if (at >= 0) words.splice(at, flag.length);
  }
  return words;
}

/**
 * The same with NVIDIA's own hook, in a mount namespace where the root is a mount point.
 *
 * @throws Error when a hook does not end with 0
 */
export function replayNvidia(nvidia: string, root: string, container: ReplayedContainer): void {
  writeConfiguration(root);
  const script = 'mount --rbind "$0" "$0" && exec env -i "$@"';
  for (const hook of container.hooks) {
    const words = [root, ...hook.env, nvidia, ...wordsForNvidia(hook)];
    const { status, stderr } = runHook(["--mount", "--propagation", "private", "/bin/sh", "-c", script, ...words], {
      executable: "/usr/bin/unshare",
      env: { PATH: "/usr/sbin:/usr/bin:/bin" },
      stdin: stateFor(root, { root: undefined }),
    });
    if (status !== 0) throw new Error(`NVIDIA's ${words.slice(1).join(" ")}: ${status}: ${stderr}`);
  }
}
