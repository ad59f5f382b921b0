import { part } from "../part.ts";
import type { Logger } from "../logger.ts";
import type * as Outputs from "./apply-output.ts";
import type { Finish } from "./commands.ts";
import { exitStatusOf } from "./exit.ts";
import { PersonCommand } from "./person-command.ts";

const outputs = part<typeof Outputs>("apply-output");

/** `cleanup`: what `apply --emit-mounts` left on the host for one container. */
export function cleanupCommand(log: Logger, finish: Finish): PersonCommand {
  return new PersonCommand("cleanup", ["cleanup container-1", "cleanup < state.json"])
    .description(
      "Remove what apply --emit-mounts left on the host for a container; as a poststop hook, for that of the state on stdin.",
    )
    .usage("[ID]")
    .argument("[id]", "the container's id; that of the state on stdin without it")
    .option("--state-dir <DIR>", "the state folder", "/run/cdi-hook")
    .action((id: string | undefined, { stateDir }: { stateDir: string }) =>
      finish(exitStatusOf(() => outputs().cleanUp(id, stateDir), "cleanup", log)),
    );
}
