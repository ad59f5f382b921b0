import { HookError } from "../errors.ts";
import type { Log } from "../logger.ts";
import { kernelFailure } from "../rootfs/failure.ts";
import { containerSpec, type Hook } from "./hook.ts";

/** Permission bits without set-user-ID, set-group-ID and sticky. */
const permissions = 0o777;

/**
 * `chmod MODE PATH` inside the container for each `--path`. A path that is missing is skipped. Links are followed inside
 * the root. Set-user-ID, set-group-ID and sticky bits are never set, and are taken away where they are: NVIDIA's hook does
 * the same, no specification asks for them, and a file whose mode is the host's choice should not get the power of its
 * owner by it.
 */
export const chmod: Hook = {
  name: "chmod",
  summary: "Set the mode of files and folders in the container.",
  flags: [
    {
      name: "path",
      value: "list",
      commas: "always",
      placeholder: "PATH",
      help: "a path of the container; one that it does not have is skipped",
    },
    { name: "mode", value: "string", placeholder: "OCTAL", help: "the permissions, in octal; required" },
    containerSpec,
  ],
  example: "chmod --mode 755 --path /dev/dri",
  run({ flags, log, root }) {
    const paths = flags.list("path");
    const mode = parseMode(flags.text("mode"), log);
    if (paths.some((path) => path.trim() === "")) {
      throw new HookError("usage", "parse --path", "", "a path is empty");
    }
    const failures: HookError[] = [];
    for (const path of new Set(paths)) {
      const result = root().setMode(path, mode);
      if (typeof result === "number") failures.push(kernelFailure("set the mode of", path, result));
      else if (log.debugging) log.debug(`${path}: mode ${result ? "set to" : "is already"} ${mode.toString(8)}`);
    }
    if (failures.length > 0) throw new AggregateError(failures);
  },
};

/** Throws HookError `usage`. */
function parseMode(text: string, log: Log): number {
  if (text === "") throw new HookError("usage", "parse arguments", "", "--mode is required");
  if (!/^[0-7]{1,11}$/.test(text)) throw new HookError("usage", "parse --mode", text, "not an octal number");
  const mode = Number.parseInt(text, 8);
  const rest = mode & ~permissions;
  if (rest !== 0) log.warn(`chmod: of mode ${text} only the permissions ${(mode & permissions).toString(8)} are set`);
  return mode & permissions;
}
