/**
 * Scripts by which shells ask `tdx-sim complete` what could stand next: a line for each proposal,
 * its value, a tab and what it means; a line that begins with a colon ends them. Where there is
 * none, the shell proposes files. Words go to the program one by one, so that nothing that stands
 * on the line is run. @bomb.sh/tab has scripts too: its bash script fails without the package
 * bash-completion, and its zsh script never proposes a file.
 */
export const COMPLETION_SCRIPTS = {
  bash: `# bash completion of tdx-sim, for bash 3.2 and newer
_tdx_sim() {
  local words=() last=0 i word value IFS=$'\\t'
  for ((i = 1; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    # readline takes --option=value for three words.
    if [[ $i -gt 1 && ( $word == = || \${COMP_WORDS[i - 1]} == = ) ]]; then
      words[last]+=$word
    else
      last=\${#words[@]}
      words[last]=$word
    fi
  done
  word=\${COMP_WORDS[COMP_CWORD]}
  [[ $word == = ]] && word=
  COMPREPLY=()
  while read -r value _; do
    [[ $value && $value != :* && $value == "$word"* ]] && COMPREPLY+=("$value")
  done < <(tdx-sim complete -- "\${words[@]}" 2>/dev/null)
}
complete -o bashdefault -o default -F _tdx_sim tdx-sim
`,
  zsh: `#compdef tdx-sim
# zsh completion of tdx-sim: in a directory of fpath as _tdx-sim, or sourced after compinit
_tdx-sim() {
  local -a values
  local line tab=$'\\t'
  for line in "\${(@f)$(tdx-sim complete -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z $line || $line == :* ]] && continue
    values+=("\${\${line%%$tab*}//:/\\\\:}:\${line#*$tab}")
  done
  if [[ $words[CURRENT] == -*=* ]]; then compset -P '*='; fi
  if (( $#values )); then _describe -V tdx-sim values; else _files; fi
}
if [[ $funcstack[1] == _tdx-sim ]]; then _tdx-sim "$@"; else compdef _tdx-sim tdx-sim; fi
`,
  fish: `# fish completion of tdx-sim
function __tdx_sim_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l values (tdx-sim complete -- $words[2..-1] "$word" 2>/dev/null | string match -rv '^(:|$)')
    # What stands before = belongs to the word that is proposed.
    set -l option (string match -r -- '^-.*=' "$word")
    if set -q values[1]
        printf '%s\\n' "$option"$values
    else
        __fish_complete_path (string replace -- "$option" '' "$word") | string replace -r -- '^' "$option"
    end
end
complete -c tdx-sim -f -a '(__tdx_sim_complete)'
`,
} as const;
