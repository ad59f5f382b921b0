import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const path = "/usr/local/bin:/usr/bin:/bin";

/** Runs a shell's script; throws when it says anything on stderr or fails. */
function run(shell: string, words: readonly string[], cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync(shell, words, {
    cwd,
    env: { PATH: path, HOME: cwd, TERM: "dumb", LC_ALL: "C.UTF-8", XDG_CONFIG_HOME: cwd, XDG_DATA_HOME: cwd },
    encoding: "utf8",
    timeout: 60_000,
  });
  if (error !== undefined) throw error;
  if (status !== 0 || stderr !== "") throw new Error(`${shell}: ${status}: ${stderr}`);
  return stdout;
}

/** The words of a line as readline gives them to a completion: `=` is one of its own, and so is what is still to come. */
function compWords(line: string): string[] {
  return line.split(" ").flatMap((word) => (word === "" ? [""] : word.split(/(=)/).filter((piece) => piece !== "")));
}

/** What bash offers at the end of each line, by the completion function that `script` makes for `cdi-hook`. */
export function bashOffers(script: string, lines: readonly string[], cwd: string): string[][] {
  const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(" ");
  const calls = lines.map((line) => {
    const words = compWords(line);
    return `COMP_WORDS=(${quoted(words)}) COMP_CWORD=${words.length - 1}
      declare -F "$function" >/dev/null && "$function"; printf '%s\\n' "\${COMPREPLY[@]}" .`;
  });
  writeFileSync(join(cwd, ".script"), script);
  const program = `set -u; source .script; words=($(complete -p cdi-hook)); function=\${words[-2]}; unset words
    ${calls.join("\n")}`;
  return offersIn(run("bash", ["--norc", "--noprofile", "-c", program], cwd), lines.length);
}

/** The lines before each line that is a dot. */
function offersIn(output: string, count: number): string[][] {
  const parts = output.split(/^\.\n/m).slice(0, count);
  return parts.map((part) => [...new Set(part.split("\n"))].filter((offer) => offer !== "").sort());
}

/** What fish offers at the end of each line. */
export function fishOffers(script: string, lines: readonly string[], cwd: string): string[][] {
  writeFileSync(join(cwd, ".script"), script);
  const calls = lines.map((line) => `complete -C '${line}'; echo .`);
  const output = run("fish", ["--no-config", "-c", `source .script\n${calls.join("\n")}`], cwd);
  return offersIn(output.replaceAll(/\t.*/g, ""), lines.length);
}

/** What zsh makes of each line when the Tab key is pressed at its end, in an interactive shell on a terminal. */
export function zshLines(script: string, lines: readonly string[], cwd: string): string[] {
  const functions = join(cwd, ".functions");
  const output = join(cwd, ".output");
  mkdirSync(functions);
  writeFileSync(join(functions, "_cdi-hook"), script);
  writeFileSync(output, "");
  const setup = [
    `fpath=(${functions} $fpath)`,
    "autoload -Uz compinit",
    "compinit -D -u",
    "unsetopt beep auto_list auto_menu",
    `show() { print -r -- "$BUFFER" >> ${output}; zle kill-buffer }`,
    "zle -N show",
    "bindkey '^T' show",
  ].join("; ");
  const program = `zmodload zsh/zpty zsh/datetime
    zpty shell zsh -f -i
    drain() { local some; while zpty -r -t shell some; do :; done }
    wait_for() {
      local -i end=$((EPOCHSECONDS + 20))
      while (( $(wc -l < ${output}) < $1 && EPOCHSECONDS < end )); do drain; sleep 0.01; done
    }
    zpty -w shell '${setup.replaceAll("'", `'\\''`)}'
    zpty -w -n shell $'\\x14'
    wait_for 1
    n=1
    for line; do
      zpty -w -n shell "$line"$'\\t\\x14'
      wait_for $((++n))
    done
    zpty -d shell`;
  run("zsh", ["-f", "-c", program, "zsh", ...lines], cwd);
  return readFileSync(output, "utf8").split("\n").slice(1, -1);
}
