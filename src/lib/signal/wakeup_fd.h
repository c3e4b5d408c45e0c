/* The wakeup descriptor (reeve_signal_set_wakeup_fd): a byte for each signal. Async-signal-safe. */
#ifndef LIB_SIGNAL_WAKEUP_FD_H
#define LIB_SIGNAL_WAKEUP_FD_H

void wakeup_fd_write(int signo);

/* In a forked child: the descriptor is the parent's. */
void wakeup_fd_forget(void);

#endif
