import { HookError } from "../errors.ts";
import { configOf } from "../oci/bundle.ts";
import { isObject } from "../oci/json.ts";

const prefix = "dev.gvisor.spec.rootfs.";

/**
 * The path of the EROFS image that gVisor takes as the root, by the annotations of config.json; undefined without them, or
 * for another type. Throws HookError `state`, `limit`.
 */
export function annotatedErofs(bundle: string | undefined): string | undefined {
  const { config, path } = configOf(bundle);
  const { annotations } = config.members;
  if (!isObject(annotations) || annotations[`${prefix}type`] !== "erofs") return undefined;
  const source = annotations[`${prefix}source`];
  if (typeof source !== "string" || !source.startsWith("/") || source.includes("\0"))
    throw new HookError("state", "parse", path, `${prefix}source is not an absolute path`);
  return config.bytes(source);
}
