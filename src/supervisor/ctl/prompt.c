#include "ctl/prompt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static char *read_line(void)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length = getline(&line, &size, stdin);

	if (length < 0) {
		free(line);
		return NULL;
	}
	if (length > 0 && line[length - 1] == '\n')
		line[length - 1] = '\0';
	return line;
}

char *prompt_read(struct session *session, const char *question, bool echo)
{
	struct termios before, silent;
	bool hides = !echo && tcgetattr(STDIN_FILENO, &before) == 0;
	char *line;

	fputs(question, stdout);
	fflush(stdout);
	if (hides) {
		silent = before;
		silent.c_lflag &= ~(tcflag_t)ECHO;
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
	}
	line = read_line();
	if (hides)
		tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	if (!echo)
		puts("");
	return line;
}

void prompt_forget(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

bool prompt_confirm(struct session *session, const char *question)
{
	char *line;
	bool yes;

	if (!session->interactive)
		return true;
	line = prompt_read(session, question, true);
	yes = line && (*line == 'y' || *line == 'Y');
	free(line);
	return yes;
}
