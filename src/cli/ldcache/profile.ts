import { HookError } from "../../errors.ts";
import { detectProfile, type Detection } from "../../ldconfig/detect.ts";
import { ARCHITECTURE_NAMES, architectureNamed, type Architecture, type Distribution } from "../../ldconfig/names.ts";
import { HEAD, profileFor } from "../../ldconfig/profile.ts";
import type { Logger } from "../../logger.ts";
import type { Root } from "../../rootfs/root.ts";

/** The flags that say which ldconfig is imitated. */
export interface ProfileOptions {
  readonly glibc?: string;
  readonly distro?: Distribution;
  readonly arch?: string;
  readonly generator?: string;
  readonly format?: "old" | "compat" | "new";
}

/** The profile that the flags name, else the one of the root's own ldconfig. Throws HookError `usage`. */
export function requestedProfile(root: Root, options: ProfileOptions, log: Logger): Detection {
  const { generator, format } = options;
  if (options.glibc !== undefined) {
    const glibc = options.glibc === "head" ? HEAD : options.glibc;
    if (!/^2\.\d{1,3}(?:\.\d+)?$/.test(glibc))
      throw new HookError("usage", "parse --glibc", glibc, "neither of the form 2.N nor head");
    const architecture = architectureOf(options.arch ?? "x86-64");
    const distribution = options.distro ?? "upstream";
    const profile = profileFor({ glibc, distribution, architecture, generator, format });
    return { profile, libc: "glibc", why: "as told" };
  }
  if (options.arch !== undefined || options.distro !== undefined) {
    throw new HookError("usage", "parse flags", "", "--arch and --distro need --glibc");
  }
  const detected = detectProfile(root, log);
  const { profile, libc, why } = detected;
  log.debug(`dynamic linker: ${libc}; ldconfig imitated: ${profile.name} (${why})`);
  const { layout } = profile;
  return {
    ...detected,
    profile: {
      ...profile,
      layout: { ...layout, format: format ?? layout.format, generator: generator ?? layout.generator },
    },
  };
}

function architectureOf(name: string): Architecture {
  const known = architectureNamed(name);
  if (known !== undefined) return known;
  throw new HookError("usage", "parse --arch", name, `not one of ${ARCHITECTURE_NAMES.join(", ")}`);
}
