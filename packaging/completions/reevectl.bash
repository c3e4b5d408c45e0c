# bash completion for reevectl
_reevectl() {
	local word=${COMP_WORDS[COMP_CWORD]} options=() command= i
	COMPREPLY=()
	# bash breaks words at colons; ours have them in it
	if declare -F _get_comp_words_by_ref >/dev/null; then
		local words cword cur
		_get_comp_words_by_ref -n : words cword cur
		word=$cur
	else
		local words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	fi
	for ((i = 1; i < cword; i++)); do
		case ${words[i]} in
		-[cspur]) [ $((i + 1)) -lt "$cword" ] && options+=("${words[i]}" "${words[++i]}") || return ;;
		--*=*) options+=("${words[i]}") ;;
		-*) ;;
		*) command=${words[i]}; break ;;
		esac
	done
	case $command in
	'')
		case $word in
		-*) COMPREPLY=($(compgen -W '-c -h -i -s -u -p -r --configuration= --help --interactive --serverurl= --username= --password= --history_file= --json --version' -- "$word")) ;;
		*) COMPREPLY=($(compgen -W "$(reevectl help </dev/null 2>/dev/null | cut -d' ' -f1)" -- "$word")) ;;
		esac ;;
	help) COMPREPLY=($(compgen -W "$(reevectl help </dev/null 2>/dev/null | cut -d' ' -f1)" -- "$word")) ;;
	add | remove | update)
		COMPREPLY=($(compgen -W "$(reevectl "${options[@]}" avail </dev/null 2>/dev/null | cut -d' ' -f1 | cut -d: -f1 | sort -u)" -- "$word")) ;;
	status | start | stop | restart | signal | pid | tail | clear | fg | watch)
		COMPREPLY=($(compgen -W "$(reevectl "${options[@]}" avail </dev/null 2>/dev/null | cut -d' ' -f1 | sed 's/^\(.*\):.*$/&\n\1:*/' | sort -u) all" -- "$word")) ;;
	esac
	declare -F __ltrim_colon_completions >/dev/null && __ltrim_colon_completions "$word"
}
complete -F _reevectl reevectl
