/* Frames: what travels through a pipe for reeve/frame.h, and their way back to messages. No I/O.
 *
 * A frame is a header and up to FRAME_PAYLOAD_MAX bytes of one message, together no more than
 * PIPE_BUF. A message that fits is one frame with id 0. A larger one is several with the same
 * random id, in order. */
#ifndef LIB_FD_FRAME_PARSER_H
#define LIB_FD_FRAME_PARSER_H

#include "reeve/frame.h"

#define FRAME_SIZE_MAX 4096
#define FRAME_PAYLOAD_MAX REEVE_FRAME_SMALL

struct frame_header {
	uint32_t magic;
	uint32_t check; /* of what follows */
	uint64_t id;
	uint32_t size;   /* of the message */
	uint32_t offset; /* of this frame's bytes in it */
	uint32_t length; /* of this frame's bytes */
	uint32_t zero;
};

/* Fill in magic and check. */
void frame_seal(struct frame_header *header);

/* A message whose frames are still coming. */
struct frame_pending {
	uint64_t id; /* 0: none */
	uint64_t last_fed;
	char *data;
	size_t size, filled, room;
};

struct frame_parser {
	size_t largest;
	char *buffer; /* what has been read and not yet looked at: [start, end) */
	size_t room, start, end;
	bool lost; /* amid bytes that are no frame, which has been reported */
	uint64_t fed;
	char *complete; /* the large message that was handed out last */
	struct frame_pending pending[REEVE_FRAME_PENDING_MAX];
};

void frame_parser_init(struct frame_parser *parser, size_t largest);
void frame_parser_deinit(struct frame_parser *parser);

/* Make room for `size` bytes more, and say where they go. Returns 0 or -ENOMEM. */
int frame_parser_reserve(struct frame_parser *parser, size_t size, char **ret);

/* So many bytes have been put there. */
void frame_parser_added(struct frame_parser *parser, size_t size);

/* The next message: 1; 0 if more bytes are needed; -EMSGSIZE, -EBADMSG, -ENOMEM as in
 * reeve/frame.h. */
int frame_parser_next(struct frame_parser *parser, const void **ret_data, size_t *ret_size);

/* No writer is left: forget what is incomplete. Returns 0, or -EBADMSG if that was no frame's
 * beginning. */
int frame_parser_end(struct frame_parser *parser);

#endif
