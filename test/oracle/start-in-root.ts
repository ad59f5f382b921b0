import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";

export type Environment = Readonly<Record<string, string>>;

export interface Started {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts programs inside of roots, with exactly the environment that is told, and with /proc. */
export interface Starter {
  /** `start-in-root ROOT PROGRAM [VARIABLE=VALUE...]`, a static program. */
  readonly launcher: string;
  run(root: string, path: string, environment: Environment): Started;
}

/** Compiles what it takes into a folder. Needs gcc, and root for the rest. */
export function starterIn(folder: string): Starter {
  const launcher = join(folder, "start-in-root");
  execFileSync("gcc", ["-O1", "-static", "-w", "-o", launcher, join(import.meta.dirname, "start-in-root.c")]);
  return {
    launcher,
    run(root, path, environment) {
      const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
      return spawnSync(launcher, [root, path, ...variables], { encoding: "latin1", env: {} });
    },
  };
}
