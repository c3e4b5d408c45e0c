/* The scribe: moves what programs write from their pipes to their log files, and nothing else.
 *
 * It is told by the core what goes where (board/messages.h, LOG_...); the supervisor's own log is a stream like
 * any other. A core that dies does not concern it: the streams go on, and the keeper sends the channel of the
 * next core. A gateway asks for files to be opened to read, and has no more to say. It ends when the core asks for it (LOG_FINISH) or when the keeper's channel ends, and carries
 * what is in the pipes before it does.
 *
 * Killed at any moment, it loses nothing of what goes to files: what is in the pipes stays there, what it had
 * in its hands is in the journal, and the next scribe begins by writing that. What was on its way to a
 * terminal, a socket or syslog is lost: at most JOURNAL_CHUNK bytes of one stream, and syslog's unfinished
 * lines. What goes unaltered to a pipe or FIFO is never in its hands.
 *
 * Bytes reach a file by read(2) and write(2), not splice(2), which cannot append: two that write to one file
 * would overwrite one another. Measured side by side (Linux 6.18, 1 GiB in 64 KB writes, rotated at 50 MB, files
 * in memory): processor time 0.42 s so, 0.39 s with splice; on ext4 there was no difference to be seen. It is the
 * file's pages that cost, 0.35 s of it, which `cat >file` pays as well (0.40 to 0.46 s). */
#ifndef SCRIBE_SCRIBE_H
#define SCRIBE_SCRIBE_H

struct scribe_journal;

struct scribe_setup {
	int core_channel, gateway_channel; /* negative: none yet */
	int keeper_channel;
	int log_read;	    /* the supervisor's own log: what LOG_OPEN of STREAM_SELF means without a
			     * descriptor; negative: none */
	int log_fd;	    /* its write end, for log_to(); negative: none */
	int log_level;
	struct scribe_journal *journal; /* NULL: a death loses what is in hand */
	struct feed *feed; /* NULL: there are no events; board/feed.h */
	const char *syslog_path;  /* NULL: "/dev/log" */
	const char *syslog_ident; /* NULL: "supervisord", which filters out there know */
};

/* Be the scribe until the end, in a process of its own: all signals that can be are blocked, the limit of open
 * files is raised as far as it may be. The descriptors in `setup` are the scribe's from now on. Returns the
 * exit status. */
int scribe_run(const struct scribe_setup *setup);

/* Memory that outlives a scribe: to be made once, before the first is forked, by the process that forks them
 * all. Returns 0 or -ENOMEM. */
int scribe_journal_new(struct scribe_journal **ret);
struct scribe_journal *scribe_journal_free(struct scribe_journal *journal);

#endif
