# bash completion for demo-tool

__demo_tool_complete() {
    local cur=$2 out line value directive last
    local -a words=()
    # bash splits words at = and :, so put --option=value together again.
    for value in "${COMP_WORDS[@]:1:COMP_CWORD-1}" "$cur"; do
        last=$((${#words[@]} - 1))
        if ((last >= 0)) && [[ $value == [=:]* || ${words[last]} == *[=:] ]]; then
            words[last]+=$value
        else
            words+=("$value")
        fi
    done

    out=$(demo-tool complete -- "${words[@]}" 2>/dev/null) || return
    directive=${out##*:}
    [[ $cur == = ]] && cur=

    COMPREPLY=()
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        [[ $line == *$'\t'* && $value == "$cur"* ]] && COMPREPLY+=("$value")
    done <<<"$out"

    if ((directive & 16)); then
        while IFS= read -r value; do
            COMPREPLY+=("$value")
        done < <(compgen -d -- "$cur")
        compopt -o filenames 2>/dev/null
    elif ((directive & 4)); then
        compopt +o default 2>/dev/null
    fi
}

# No answer means that files may follow.
complete -o default -F __demo_tool_complete demo-tool
