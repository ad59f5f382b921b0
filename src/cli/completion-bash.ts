import { beginnings, type Place } from "./completion-place.ts";
import { chainWord } from "./program.ts";
import type { ToldFlag } from "./told-flag.ts";

/** For bash 4 and later, without the package bash-completion. */
export function bashScript(places: readonly Place[], shared: readonly ToldFlag[]): string {
  return `# bash completion of cdi-hook; written by "cdi-hook completion bash".

# Sets what can be written behind the command $1: words, words that are known and not offered, flags.
__cdi_hook_place() {
  local shared="${names(shared)}"
  case "$1" in
${places.map(placeCase).join("\n")}
    *) words="" hidden="" flags=$shared ;;
  esac
}

# Sets value to what follows the flag $2 of the command $1: none, file, folder, text, or the words themselves.
__cdi_hook_value() {
  case "$1 $2" in
${places.flatMap(({ path, flags }) => flags.flatMap((flag) => valueCase(`"${path} ${flag.long}"`, flag))).join("\n")}
${shared.flatMap((flag) => valueCase(`*" ${flag.long}"`, flag)).join("\n")}
    *) value=none ;;
  esac
}

_cdi_hook() {
  local cur=\${COMP_WORDS[COMP_CWORD]} command="" chained="" flag="" word words hidden flags value=none i
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # "=" is a word of its own.
    if [[ $word == "=" ]]; then continue; fi
    if [[ -n $flag ]]; then flag=""; continue; fi
    case "$word" in
      --) [[ -z $chained ]] || command=${chainWord} ;;
      -*)
        word=\${word#-}
        word=--\${word#-}
        __cdi_hook_value "$command" "$word"
        [[ $value == none ]] || flag=$word
        ;;
      *)
        __cdi_hook_place "$command"
        [[ " $words $hidden " == *" $word "* ]] || continue
        case "$command" in
          ${beginnings.map((path) => `"${path}"`).join(" | ")}) command=$word ;;
          *) command="$command $word" ;;
        esac
        [[ $word != ${chainWord} ]] || chained=yes
        ;;
    esac
  done

  COMPREPLY=()
  if [[ -n $flag ]]; then
    [[ $cur != "=" ]] || cur=""
    case "$value" in
      text) ;;
      file) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
      folder) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$cur") ;;
      *) mapfile -t COMPREPLY < <(compgen -W "$value" -- "$cur") ;;
    esac
    return
  fi
  __cdi_hook_place "$command"
  if [[ $cur == -* ]]; then words=$flags; fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}

complete -o default -F _cdi_hook cdi-hook
`;
}

function placeCase({ path, words, flags }: Place): string {
  const [offered, hidden] = [false, true].map((which) =>
    words
      .filter((word) => word.hidden === which)
      .map(({ name }) => name)
      .join(" "),
  );
  return `    "${path}") words="${offered}" hidden="${hidden}" flags="${`${names(flags)} $shared`.trimStart()}" ;;`;
}

function names(flags: readonly ToldFlag[]): string {
  return flags.map(({ long }) => long).join(" ");
}

function valueCase(pattern: string, { value }: ToldFlag): string[] {
  if (value.kind === "none") return [];
  return [`    ${pattern}) value=${value.kind === "word" ? `"${value.words.join(" ")}"` : value.kind} ;;`];
}
