# fish completion for reevectl

function __reevectl_options
	set -l words (commandline -opc)
	set -l taken
	while set -q words[1]
		if string match -qr '^-[csup]$' -- $words[1]; and set -q words[2]
			set -a taken $words[1..2]
			set -e words[1]
		else if string match -qr '^--(configuration|serverurl|username|password)=' -- $words[1]
			set -a taken $words[1]
		end
		set -e words[1]
	end
	string join \n -- $taken
end

function __reevectl_names
	reevectl (__reevectl_options) avail </dev/null 2>/dev/null | cut -d' ' -f1 | sed 's/^\(.*\):.*$/&\n\1:*/' | sort -u
	echo all
end

function __reevectl_groups
	reevectl (__reevectl_options) avail </dev/null 2>/dev/null | cut -d' ' -f1 | cut -d: -f1 | sort -u
end

function __reevectl_commands
	reevectl help </dev/null 2>/dev/null | sed 's/ \{1,\}/\t/'
end

set -l commands status start stop restart signal pid tail maintail clear fg top watch avail reread update add remove reload shutdown open version help quit exit

complete -c reevectl -f
complete -c reevectl -s c -l configuration -r -F -d 'the configuration'
complete -c reevectl -s h -l help -d 'print a summary'
complete -c reevectl -s i -l interactive -d 'read commands from standard input'
complete -c reevectl -s s -l serverurl -x -d 'the server'
complete -c reevectl -s u -l username -x -d 'the user name'
complete -c reevectl -s p -l password -x -d 'the password'
complete -c reevectl -s r -l history_file -r -F -d 'keep the history here'
complete -c reevectl -l json -d 'print JSON'
complete -c reevectl -l version -d 'print our own version'
complete -c reevectl -n "not __fish_seen_subcommand_from $commands" -a '(__reevectl_commands)'
complete -c reevectl -n '__fish_seen_subcommand_from help' -a '(__reevectl_commands)'
complete -c reevectl -n '__fish_seen_subcommand_from add remove update' -a '(__reevectl_groups)'
complete -c reevectl -n '__fish_seen_subcommand_from status start stop restart signal pid tail clear fg watch' -a '(__reevectl_names)'
