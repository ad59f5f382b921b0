import { part } from "../part.ts";
import type { Logger } from "../logger.ts";
import type { Finish } from "./commands.ts";
import type * as Explain from "./ldcache/explain.ts";
import { exitStatusOf, failure } from "./exit.ts";
import { PersonCommand } from "./person-command.ts";

const loader = part<typeof Explain>("explain");

/** `ldcache explain`. */
export function explainCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("explain", [
    "ldcache explain libstdc++.so.6 --root ./rootfs",
    "ldcache explain libcuda.so.1 --root ./rootfs --from /usr/bin/app --library-path /opt/lib",
    "ldcache explain --needed /usr/bin/app --root ./rootfs --cpu x86-64-v3",
  ])
    .description("Tell how the dynamic linker of a root filesystem finds a library, or all that a program needs.")
    .usage("NAME --root DIR [flags] | --needed FILE --root DIR [flags]")
    .argument("[name]", "the library: a name as programs ask for it, or a path")
    .option("--root <DIR>", "the root filesystem; required")
    .option("--from <FILE>", "the program or library of the root that asks for it")
    .option("--needed <FILE>", "a program or library of the root: all that it needs, as a tree")
    .option("--library-path <LIST>", "LD_LIBRARY_PATH")
    .option("--preload <LIST>", "LD_PRELOAD")
    .option(
      "--cpu <NAME>",
      "the processor, such as x86-64-v3, or host; unless told this machine's, or the least of its kind",
    )
    .option("--arch <NAME>", "the architecture whose dynamic linker is meant, such as i386, where there are several")
    .option("--json", "print one JSON document")
    .action((name: string | undefined, options: Explain.ExplainOptions) => {
      let succeeds = false;
      const status = exitStatusOf(() => (succeeds = loader().runExplain(name, options, log)), "ldcache explain", log);
      finish(succeeds ? status : failure);
    });
}
