import type { Command } from "commander";
import { bashScript } from "./completion-bash.ts";
import { fishScript } from "./completion-fish.ts";
import { placesOf } from "./completion-place.ts";
import { zshScript } from "./completion-zsh.ts";
import type { Shell } from "./program.ts";
import { sharedFlags } from "./told-flag.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** The script that makes a shell complete the command lines of `cdi-hook`. */
export function completionScript(shell: Shell, program: Command): string {
  return scripts[shell](placesOf(program), sharedFlags(program));
}
