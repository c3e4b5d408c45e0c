#include "ctl/interactive.h"

#include <histedit.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/command.h"
#include "ctl/complete.h"
#include "ctl/interrupt.h"

#define HISTORY_LINES 1000

struct editor {
	struct session *session;
	EditLine *edit;
	History *history;
	char *prompt;
};

/* ---- the history: a file of lines, as supervisorctl has it ---- */

static void load_history(struct editor *editor)
{
	FILE *file = editor->session->history_file ? fopen(editor->session->history_file, "re") : NULL;
	char *line = NULL;
	size_t size = 0;
	HistEvent event;

	if (!file)
		return;
	while (getline(&line, &size, file) > 0)
		if (*line != '\n')
			history(editor->history, &event, H_ENTER, line);
	free(line);
	fclose(file);
}

static void save_history(struct editor *editor)
{
	FILE *file = editor->session->history_file ? fopen(editor->session->history_file, "we") : NULL;
	HistEvent event;

	if (!file)
		return;
	for (int r = history(editor->history, &event, H_LAST); r >= 0; r = history(editor->history, &event, H_PREV)) {
		fputs(event.str, file);
		if (!strchr(event.str, '\n'))
			fputc('\n', file);
	}
	fclose(file);
}

/* ---- the editor ---- */

static char *prompt_of(EditLine *edit)
{
	struct editor *editor;

	el_get(edit, EL_CLIENTDATA, &editor);
	return editor->prompt;
}

static void show_candidates(const struct words *words)
{
	size_t width = 0, columns;

	for (size_t i = 0; i < words->count; i++)
		width = strlen(words->list[i]) > width ? strlen(words->list[i]) : width;
	columns = 80 / (width + 2) ? 80 / (width + 2) : 1;
	for (size_t i = 0; i < words->count; i++)
		printf("%s%-*s", i % columns ? "  " : "\n", (int)width, words->list[i]);
	puts("");
	fflush(stdout);
}

/* The key for completion. */
static unsigned char on_complete(EditLine *edit, int key)
{
	const LineInfo *info = el_line(edit);
	struct editor *editor;
	struct words words;
	char *line = strndup(info->buffer, (size_t)(info->cursor - info->buffer));
	size_t typed, common;
	unsigned char result = CC_ERROR;

	(void)key;
	if (!line)
		return CC_ERROR;
	el_get(edit, EL_CLIENTDATA, &editor);
	complete_line(editor->session, line, &words);
	typed = complete_word_length(line);
	common = complete_common(&words);
	if (words.count > 0 && (common > typed || words.count == 1)) {
		words.list[0][common] = '\0';
		if (common > typed)
			el_insertstr(edit, words.list[0] + typed);
		if (words.count == 1)
			el_insertstr(edit, " ");
		result = CC_REFRESH;
	} else if (words.count > 1) {
		show_candidates(&words);
		result = CC_REDISPLAY;
	}
	words_deinit(&words);
	free(line);
	return result;
}

static bool open_editor(struct editor *editor)
{
	HistEvent event;

	editor->history = history_init();
	editor->edit = el_init("reevectl", stdin, stdout, stderr);
	if (!editor->history || !editor->edit)
		return false;
	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	history(editor->history, &event, H_SETUNIQUE, 1);
	el_set(editor->edit, EL_CLIENTDATA, editor);
	el_set(editor->edit, EL_PROMPT, prompt_of);
	el_set(editor->edit, EL_EDITOR, "emacs");
	el_set(editor->edit, EL_SIGNAL, 1);
	el_set(editor->edit, EL_HIST, history, editor->history);
	el_set(editor->edit, EL_ADDFN, "reeve-complete", "complete the word", on_complete);
	el_set(editor->edit, EL_BIND, "^I", "reeve-complete", NULL);
	el_set(editor->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
	el_source(editor->edit, NULL);
	load_history(editor);
	return true;
}

static void close_editor(struct editor *editor)
{
	if (editor->history && editor->edit)
		save_history(editor);
	if (editor->edit)
		el_end(editor->edit);
	if (editor->history)
		history_end(editor->history);
	free(editor->prompt);
}

static char *edit_line(struct editor *editor)
{
	int length;
	const char *line = el_gets(editor->edit, &length);
	HistEvent event;

	if (!line || length <= 0)
		return NULL;
	if (*line != '\n')
		history(editor->history, &event, H_ENTER, line);
	return strndup(line, strcspn(line, "\n"));
}

/* ---- without a terminal ---- */

static char *plain_line(const struct editor *editor)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	fputs(editor->prompt, stdout);
	fflush(stdout);
	length = getline(&line, &size, stdin);
	if (length < 0) {
		free(line);
		return NULL;
	}
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static void read_lines(struct editor *editor)
{
	struct session *session = editor->session;

	while (!session->leaving && !interrupt_pending()) {
		char *line = editor->edit ? edit_line(editor) : plain_line(editor);

		if (interrupt_pending() || !line) {
			free(line);
			puts("");
			return;
		}
		command_run_line(session, line);
		free(line);
	}
}

void interactive_run(struct session *session)
{
	struct editor editor = { .session = session };

	setlocale(LC_CTYPE, "");
	if (asprintf(&editor.prompt, "%s> ", session->prompt) < 0)
		return;
	interrupt_catch();
	command_run_line(session, "status");
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || open_editor(&editor))
		read_lines(&editor);
	close_editor(&editor);
}
