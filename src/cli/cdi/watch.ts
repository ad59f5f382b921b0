import { cdiDirectories } from "../../cdi/read.ts";
import { rewriteSpecs } from "../../cdi/rewrite.ts";
import { watchSpecs } from "../../cdi/watch.ts";
import { HookError } from "../../errors.ts";
import { hostFactsBehindLinks } from "../../host/host-facts.ts";
import { tellSupervisor } from "../../host/supervisor.ts";
import { Wait } from "../../host/wait.ts";
import type { Logger } from "../../logger.ts";
import { exitStatusOf } from "../exit.ts";
import { tellProblems } from "./problems.ts";
import { rulesOf, type RuleFlags } from "./rules.ts";

declare const environment: (name: string) => string | undefined;
declare const collectGarbage: () => void;

export interface WatchFlags extends RuleFlags {
  readonly poll?: boolean;
}

/** `cdi watch`: comes back when a signal has ended it; the exit status. */
export function watch(paths: readonly string[], flags: WatchFlags, log: Logger): number {
  return exitStatusOf(
    () => {
      const rules = rulesOf(flags);
      const directories = paths.length === 0 ? cdiDirectories : paths.map(directoryOf);
      const supervisor = environment("NOTIFY_SOCKET");
      using wait = new Wait();
      watchSpecs({
        directories,
        poll: flags.poll === true,
        log,
        wait,
        rewrite: (path, guard) => {
          log.beginAnew();
          const [outcome] = rewriteSpecs({ ...rules, paths: [path], write: true, guard });
          // A document is a circle of objects: this process would keep 24 MiB of past ones.
          collectGarbage();
          if (outcome === undefined || outcome.status === "skipped") return true;
          if (outcome.status === "disturbed") return false;
          tellProblems(path, outcome.problems, log);
          if (outcome.status === "changed") log.info(`${path}: rewritten`, { path });
          return true;
        },
        ready: () => {
          log.info(`watching ${directories.join(", ")}`);
          tellSupervisor(supervisor, "READY=1");
        },
      });
      log.info("ended by a signal");
      tellSupervisor(supervisor, "STOPPING=1");
    },
    "cdi watch",
    log,
  );
}

/** A directory that was named, without a slash at its end; it need not exist. Throws HookError `usage` for a file. */
function directoryOf(path: string): string {
  const type = hostFactsBehindLinks(path)?.type;
  if (path === "" || (type !== undefined && type !== "directory")) {
    throw new HookError("usage", "watch", path, "not a directory: a directory's specs are watched, not single files");
  }
  return path.replace(/(?<=.)\/+$/, "");
}
