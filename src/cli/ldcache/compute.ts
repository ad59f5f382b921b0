import type { Profile } from "../../ldconfig/profile.ts";
import { computeCache, type ComputedCache } from "../../ldconfig/update.ts";
import type { Logger } from "../../logger.ts";
import type { Root } from "../../rootfs/root.ts";
import { writeJson, type Json } from "../json.ts";
import { writeOutput } from "../output.ts";
import { Progress } from "../progress.ts";

/** A root whose dynamic linker is musl needs nothing. */
export function tellMusl(root: string, json: boolean): void {
  if (json) writeJson({ root, libc: "musl", needed: false });
  else writeOutput(`${root}: its dynamic linker is musl, which has no cache; nothing is needed\n`);
}

/** Mends the links, unless told not to, and computes the cache, with progress for somebody who waits. */
export function compute(
  root: Root,
  profile: Profile,
  directories: readonly string[],
  options: { readonly conf?: string; readonly links: boolean },
  log: Logger,
): ComputedCache {
  using progress = new Progress("folders");
  let count = 0;
  let folder: string | undefined;
  const tick = (path: string): void => {
    if (path !== folder) count += 1;
    folder = path;
    progress.step(count, undefined, path);
  };
  const conf = options.conf === undefined ? {} : { confPath: options.conf };
  return computeCache(root, profile, { links: options.links, directories, ...conf, tick, log });
}

/** A profile as JSON. */
export function profileDocument({ name, glibc, architecture, layout }: Profile): Json {
  return { name, glibc, architecture, format: layout.format, generator: layout.extensions ? layout.generator : null };
}
