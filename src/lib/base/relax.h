/* Waiting for a moment without leaving the processor. */
#ifndef LIB_BASE_RELAX_H
#define LIB_BASE_RELAX_H

static inline void relax(unsigned times)
{
	while (times--) {
#if defined(__x86_64__)
		__builtin_ia32_pause();
#elif defined(__aarch64__)
		__asm__ __volatile__("isb" ::: "memory"); /* as long as x86's pause; yield is no pause */
#else
		__asm__ __volatile__("" ::: "memory");
#endif
	}
}

#endif
