import { beginnings, brief, type Place } from "./completion-place.ts";
import { chainWord } from "./program.ts";
import type { ToldFlag } from "./told-flag.ts";

/** For fish 3 and later. Behind the `--` of a chain fish itself offers no flags. */
export function fishScript(places: readonly Place[], shared: readonly ToldFlag[]): string {
  const valued = [...shared, ...places.flatMap(({ flags }) => flags)].filter(({ value }) => value.kind !== "none");
  const steps = places.filter(({ words }) => words.length > 0);
  return `# fish completion of cdi-hook; written by "cdi-hook completion fish".

# Prints the command to which the words before the cursor lead.
function __cdi_hook_command
    set -l words (commandline -opc)
    set -e words[1]
    set -l command ''
    set -l chained no
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case --
                test $chained = yes; and set command ${chainWord}
            case '-*=*'
            case '-*'
                contains -- (string replace -r -- '^--?' '' $word) ${[...new Set(valued.map(nameOf))].join(" ")}
                and set skip yes
            case '*'
                switch "$command/$word"
                    case ${pathsFrom(steps.filter(({ path }) => beginnings.includes(path)))}
                        set command $word
                        test $word = ${chainWord}; and set chained yes
                    case ${pathsFrom(steps.filter(({ path }) => !beginnings.includes(path)))}
                        set command "$command $word"
                end
        end
    end
    echo $command
end

function __cdi_hook_at
    test (__cdi_hook_command) = $argv[1]
end

complete -c cdi-hook -f
${shared.map((flag) => `complete -c cdi-hook ${flagArguments(flag)}`).join("\n")}
${places.flatMap(linesOf).join("\n")}
`;
}

function pathsFrom(places: readonly Place[]): string {
  return places.flatMap(({ path, words }) => words.map(({ name }) => quoted(`${path}/${name}`))).join(" ");
}

function linesOf({ path, words, flags }: Place): string[] {
  const start = `complete -c cdi-hook -n ${quoted(`__cdi_hook_at "${path}"`)}`;
  return [
    ...words
      .filter((word) => !word.hidden)
      .map(({ name, summary }) => `${start} -a ${name}${summary === "" ? "" : ` -d ${quoted(summary)}`}`),
    ...flags.map((flag) => `${start} ${flagArguments(flag)}`),
  ];
}

function flagArguments(flag: ToldFlag): string {
  const short = flag.short === undefined ? "" : ` -s ${flag.short.slice(1)}`;
  return `-l ${nameOf(flag)}${short}${valueArguments(flag)} -d ${quoted(brief(flag.help))}`;
}

function valueArguments({ value }: ToldFlag): string {
  switch (value.kind) {
    case "none":
      return "";
    case "text":
      return " -x";
    case "file":
      return " -r -F";
    case "folder":
      return " -x -a '(__fish_complete_directories)'";
    case "word":
      return ` -x -a ${quoted(value.words.join(" "))}`;
  }
}

function nameOf({ long }: ToldFlag): string {
  return long.replace(/^--/, "");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
