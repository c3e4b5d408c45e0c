/* The files of page/, as they were at the build (page/embed.py). */
#ifndef GATEWAY_PAGE_ASSETS_H
#define GATEWAY_PAGE_ASSETS_H

#include <stddef.h>

struct page_asset {
	const char *name, *type;
	const char *tag; /* in quotes, as in ETag: another one for other bytes */
	const char *bytes; /* and a NUL */
	size_t size;
};

/* NULL: there is none of that name. */
const struct page_asset *page_asset_find(const char *name);

#endif
