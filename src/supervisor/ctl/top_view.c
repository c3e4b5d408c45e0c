#include "ctl/top_view.h"

#include <curses.h>
#include <errno.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "board/states.h"
#include "ctl/interrupt.h"
#include "ctl/output.h"
#include "ctl/rpc.h"

#define NOTE_SIZE 200
#define HEAD_LINES 3
#define OTHER_COLUMNS 41 /* of state, pid, processor, memory */

struct view {
	struct session *session;
	struct table *table;
	enum table_order order;
	char *chosen; /* name; NULL: none yet */
	size_t first; /* row at the top */
	char note[NOTE_SIZE];
};

/* ---- what is drawn ---- */

static attr_t attribute_of(const struct view *view, int64_t state)
{
	enum colour colour = state_colour(state);

	if (!view->session->colours || !has_colors())
		return colour == COLOUR_BAD ? A_BOLD : A_NORMAL;
	return colour == COLOUR_FAINT ? A_DIM : COLOR_PAIR(colour);
}

static size_t chosen_row(const struct view *view)
{
	for (size_t i = 0; view->chosen && i < view->table->count; i++)
		if (strcmp(view->table->rows[i].name, view->chosen) == 0)
			return i;
	return 0;
}

/* Cut at the right margin. Returns the column behind it. */
__attribute__((format(printf, 3, 4))) static int draw_text(int line, int column, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (r < 0)
		return column;
	if (column < COLS)
		mvaddnstr(line, column, text, COLS - column);
	free(text);
	return column + r;
}

static void draw_head(const struct view *view)
{
	size_t running = 0, stopped = 0, bad = 0;

	for (size_t i = 0; i < view->table->count; i++) {
		int64_t state = view->table->rows[i].state_number;

		running += state == STATE_RUNNING;
		stopped += state == STATE_STOPPED || state == STATE_EXITED;
		bad += state == STATE_FATAL || state == STATE_BACKOFF || state == STATE_UNKNOWN;
	}
	draw_text(0, 0, "%zu processes, %zu running, %zu stopped, %zu in trouble - %s", view->table->count, running,
		stopped, bad, view->session->serverurl);
	draw_text(1, 0, "%s", view->note);
}

static void draw_row(const struct view *view, int line, const struct table_row *row, int width)
{
	char pid[16] = "", cpu[16] = "", memory[16] = "";

	if (row->pid > 0)
		snprintf(pid, sizeof pid, "%d", (int)row->pid);
	if (row->has_usage) {
		snprintf(cpu, sizeof cpu, "%.1f", row->cpu);
		table_format_bytes(row->memory, memory);
	}
	draw_text(line, 0, "%-*.*s ", width, width, row->name);
	attron(attribute_of(view, row->state_number));
	draw_text(line, width + 1, "%-9s", row->state);
	attroff(attribute_of(view, row->state_number));
	draw_text(line, width + 11, "%8s %6s %6s  %s", pid, cpu, memory, row->description);
}

static int name_width(const struct view *view)
{
	size_t width = 16, most = COLS > OTHER_COLUMNS + 30 ? (size_t)(COLS - OTHER_COLUMNS) / 2 : 16;

	for (size_t i = 0; i < view->table->count; i++)
		if (strlen(view->table->rows[i].name) > width)
			width = strlen(view->table->rows[i].name);
	return (int)(width > most ? most : width);
}

static void draw(struct view *view)
{
	size_t chosen = chosen_row(view), room = LINES > HEAD_LINES ? (size_t)(LINES - HEAD_LINES) : 1;
	int width = name_width(view);

	if (chosen < view->first)
		view->first = chosen;
	if (chosen >= view->first + room)
		view->first = chosen - room + 1;
	erase();
	draw_head(view);
	attron(A_REVERSE);
	draw_text(2, 0, "%-*s %-9s %8s %6s %6s  %-*s", width, "NAME", "STATE", "PID", "CPU%", "MEMORY", COLS, "");
	attroff(A_REVERSE);
	for (size_t i = view->first; i < view->table->count && i < view->first + room; i++) {
		if (i == chosen)
			attron(A_BOLD | A_UNDERLINE);
		draw_row(view, (int)(HEAD_LINES + i - view->first), &view->table->rows[i], width);
		if (i == chosen)
			attroff(A_BOLD | A_UNDERLINE);
	}
	refresh();
}

/* ---- what is asked for ---- */

static void choose(struct view *view, long step)
{
	size_t row = chosen_row(view), count = view->table->count;
	char *name;

	if (count == 0)
		return;
	if (step < 0)
		row -= row < (size_t)-step ? row : (size_t)-step;
	else
		row += (size_t)step;
	name = strdup(view->table->rows[row < count ? row : count - 1].name);
	if (name) {
		free(view->chosen);
		view->chosen = name;
	}
}

/* Nobody waits here for programs: the table shows how it goes on. */
static void act(struct view *view, const char *method, const char *doing)
{
	const struct xmlrpc_value *answer;
	const char *name = view->table->count ? view->table->rows[chosen_row(view)].name : NULL;
	int r;

	if (!name)
		return;
	r = RPC(view->session, &answer, method, RPC_TEXT(name), RPC_NUMBER(0));
	if (r == 0)
		snprintf(view->note, sizeof view->note, "%s %s", doing, name);
	else
		snprintf(view->note, sizeof view->note, "%s: %.150s", name,
			r == RPC_FAULT ? view->session->fault_text : view->session->failure.text);
}

static void restart(struct view *view)
{
	const struct xmlrpc_value *answer;
	const char *name = view->table->count ? view->table->rows[chosen_row(view)].name : NULL;

	if (!name)
		return;
	draw_text(1, 0, "stopping %s%*s", name, COLS, "");
	refresh();
	if (RPC_WAITING(view->session, &answer, "supervisor.stopProcess", RPC_TEXT(name)) >= 0)
		act(view, "supervisor.startProcess", "restarting");
}

/* False: leave. */
static bool on_key(struct view *view, int key)
{
	view->note[0] = '\0';
	switch (key) {
	case 'q':
	case 'Q': return false;
	case KEY_UP:
	case 'k': choose(view, -1); break;
	case KEY_DOWN:
	case 'j': choose(view, 1); break;
	case KEY_PPAGE: choose(view, -10); break;
	case KEY_NPAGE: choose(view, 10); break;
	case 'n': view->order = ORDER_NAME; break;
	case 'c': view->order = ORDER_CPU; break;
	case 'm': view->order = ORDER_MEMORY; break;
	case 'p': view->order = ORDER_STATE; break;
	case 's': act(view, "supervisor.startProcess", "starting"); break;
	case 'x': act(view, "supervisor.stopProcess", "stopping"); break;
	case 'r': restart(view); break;
	default: break;
	}
	return true;
}

/* Keys, until it is time to look again. False: leave. */
static bool serve_keys(struct view *view, reeve_nsec until)
{
	for (;;) {
		reeve_nsec left = until - reeve_now();
		int key;

		table_sort(view->table, view->order);
		draw(view);
		if (left <= 0)
			return true;
		timeout((int)(left / REEVE_MSEC) + 1);
		key = getch();
		if (interrupt_pending())
			return false;
		if (key != ERR && !on_key(view, key))
			return false;
	}
}

static void open_screen(void)
{
	setlocale(LC_ALL, "");
	interrupt_catch();
	initscr();
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(COLOUR_GOOD, COLOR_GREEN, -1);
		init_pair(COLOUR_BAD, COLOR_RED, -1);
		init_pair(COLOUR_BUSY, COLOR_YELLOW, -1);
	}
}

int top_view(struct session *session, struct table *table, reeve_nsec interval)
{
	struct view view = { .session = session, .table = table };
	int r = 0;

	fflush(stdout);
	open_screen();
	while (r == 0 && serve_keys(&view, reeve_now() + interval))
		r = table_refresh(session, table);
	endwin();
	if (interrupt_pending())
		r = 0;
	interrupt_forget();
	free(view.chosen);
	return r;
}
