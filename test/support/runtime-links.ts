import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { program } from "./debian-root.ts";
import { executablePath } from "./executable.ts";
import { peer } from "./peers.ts";
import { absentPeer } from "./tally.ts";

/** A real runtime that the executable stands before. */
export interface BeforeRuntime {
  readonly name: string;
  /** Its path, or why there is none. */
  readonly find: () => { readonly path: string } | { readonly missing: string };
  /** Flags that it needs in a machine of ours, as podman's `--runtime-flag` takes them. */
  readonly flags: readonly string[];
  /** Whether it is gVisor, which knows no `exec --tty`, so that podman's `exec -t` fails on it. */
  readonly gvisor: boolean;
}

const debian = (name: string, flags: readonly string[] = []): BeforeRuntime => ({
  name,
  find: () => {
    const path = program(name);
    return path === undefined ? { missing: `needs ${name}` } : { path };
  },
  flags,
  gvisor: name === "runsc",
});

const sandboxFlags: readonly string[] = ["network=none", "ignore-cgroups"];

const kept = (name: string): BeforeRuntime => ({
  name,
  find: () => {
    const path = peer(name);
    return path === undefined ? { missing: `${absentPeer}${name}` } : { path };
  },
  flags: sandboxFlags,
  gvisor: true,
});

export const runtimesBehind: readonly BeforeRuntime[] = [
  debian("runc"),
  debian("crun"),
  debian("runsc", sandboxFlags),
  kept("runsc-20240729"),
  kept("runsc-20260822"),
];

/** A folder with the runtime under the name NAME, and the executable as `cdi-hook-NAME` beside it: both paths. */
export function linkBefore(folder: string, name: string, runtime: string): { runtime: string; before: string } {
  mkdirSync(folder, { recursive: true });
  const links = { runtime: join(folder, name), before: join(folder, `cdi-hook-${name}`) };
  symlinkSync(runtime, links.runtime);
  symlinkSync(executablePath, links.before);
  return links;
}
