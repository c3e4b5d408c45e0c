/* Descriptors that keep their number when what is behind them is replaced, as in a forked child. */
#ifndef LIB_SIGNAL_DESCRIPTOR_H
#define LIB_SIGNAL_DESCRIPTOR_H

/* Move `fd` to `number`, close-on-exec, and return `number`; where that fails, `fd` as it is. */
int descriptor_move(int fd, int number);

#endif
