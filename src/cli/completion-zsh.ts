import { beginnings, brief, type Place, type Word } from "./completion-place.ts";
import { chainWord } from "./program.ts";
import type { ToldFlag } from "./told-flag.ts";

/** For zsh 5 and later: a file `_cdi-hook` of a folder of `$fpath`, or to be read with `source` behind compinit. */
export function zshScript(places: readonly Place[], shared: readonly ToldFlag[]): string {
  return `#compdef cdi-hook
# zsh completion of cdi-hook; written by "cdi-hook completion zsh".

# Sets what can be written behind the command $1: words, words that are known and not offered, flags.
__cdi_hook_place() {
  offered=() hidden=() flags=()
  case "$1" in
${places.map(placeCase).join("\n")}
  esac
  flags+=(${shared.map(described).join(" ")})
}

# Sets value to what follows the flag $2 of the command $1: none, file, folder, text, or the words themselves.
__cdi_hook_value() {
  case "$1 $2" in
${places.flatMap(({ path, flags }) => flags.flatMap((flag) => valueCase(`"${path} ${flag.long}"`, flag))).join("\n")}
${shared.flatMap((flag) => valueCase(`*" ${flag.long}"`, flag)).join("\n")}
    (*) value=none ;;
  esac
}

_cdi-hook() {
  local command="" chained="" flag="" word value=none
  local -a offered hidden flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $flag ]]; then flag=""; continue; fi
    case "$word" in
      (--) [[ -z $chained ]] || command=${chainWord} ;;
      (-*=*) ;;
      (-*)
        word=--\${\${word#-}#-}
        __cdi_hook_value "$command" "$word"
        [[ $value == none ]] || flag=$word
        ;;
      (*)
        __cdi_hook_place "$command"
        (( \${offered[(I)$word(|:*)]} + \${hidden[(Ie)$word]} )) || continue
        case "$command" in
          (${beginnings.map((path) => `"${path}"`).join(" | ")}) command=$word ;;
          (*) command="$command $word" ;;
        esac
        [[ $word != ${chainWord} ]] || chained=yes
        ;;
    esac
  done

  if [[ -z $flag && $PREFIX == -*=* ]]; then
    word=\${PREFIX%%=*}
    flag=--\${\${word#-}#-}
    __cdi_hook_value "$command" "$flag"
    compset -P 1 '*='
  fi
  if [[ -n $flag ]]; then
    case "$value" in
      (none) ;;
      (text) _message "$flag" ;;
      (file) _files ;;
      (folder) _files -/ ;;
      (*) compadd -- \${=value} ;;
    esac
    return
  fi
  __cdi_hook_place "$command"
  if [[ $PREFIX == -* ]]; then
    _describe -o 'flag' flags
  else
    _describe 'command' offered
  fi
}

if [[ \${funcstack[1]} == _cdi-hook ]]; then _cdi-hook "$@"; else compdef _cdi-hook cdi-hook; fi
`;
}

function placeCase({ path, words, flags }: Place): string {
  const offered = words.filter((word) => !word.hidden).map(describedWord);
  const hidden = words.filter((word) => word.hidden).map(({ name }) => name);
  const arrays = `offered=(${offered.join(" ")}) hidden=(${hidden.join(" ")}) flags=(${flags.map(described).join(" ")})`;
  return `    ("${path}") ${arrays} ;;`;
}

function described({ long, help }: ToldFlag): string {
  return quoted(`${long}:${brief(help)}`);
}

function describedWord({ name, summary }: Word): string {
  return quoted(summary === "" ? name : `${name}:${summary}`);
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function valueCase(pattern: string, { value }: ToldFlag): string[] {
  if (value.kind === "none") return [];
  return [`    (${pattern}) value=${value.kind === "word" ? `"${value.words.join(" ")}"` : value.kind} ;;`];
}
