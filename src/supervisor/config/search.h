/* Where a configuration is, if nobody says. */
#ifndef CONFIG_SEARCH_H
#define CONFIG_SEARCH_H

/* The first file of supervisor's list that is there; to be freed. `program` is argv[0]: the list begins beside it.
 *
 *   ret       untouched on failure
 *   ret_list  with -ENOENT the list, for a person; to be freed. May be NULL
 *
 * Returns 0, -ENOENT, -ENOMEM. */
int config_search(const char *program, char **ret, char **ret_list);

#endif
