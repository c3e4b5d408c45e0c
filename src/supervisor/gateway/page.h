/* The page: HTML that works without script, by supervisor's addresses; with script it becomes the live one (page/). */
#ifndef GATEWAY_PAGE_H
#define GATEWAY_PAGE_H

#include "gateway/exchange.h"
#include "gateway/gateway.h"
#include "text/buffer.h"

#define PAGE_FORM_MAX 65536

/* A page's {{name}}, and the HTML that stands for it. */
struct page_value {
	const char *name, *html;
};

/* Answer with a file of page/ in which each {{name}} is replaced. `values` end with one that has no name. */
void page_answer(struct exchange *exchange, unsigned status, const char *asset, const struct page_value *values);

/* Answer with the table of processes and a message above it (NULL: none). */
void page_answer_table(struct exchange *exchange, unsigned status, const struct table *table, const char *message);

/* A field of the request's form, or else of its query, to be freed; NULL: there is none. */
char *page_field(const struct exchange *exchange, const char *name);

/* page_action.c: do what the request's `action` says. Takes `action` and `name` (may be NULL). */
void page_act_consume(struct exchange *exchange, char *action, char *name);

#endif
