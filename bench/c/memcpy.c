/* What moving the bytes costs at least: one process copies messages into as many places as the queues have, one after
 * the other.   memcpy inplace 1 1 SIZE COUNT, with the output of queue_main.c. */
#include "queue.h"

int main(int argc, char **argv)
{
    if (argc < 6 || strcmp(argv[1], "inplace") != 0 || strcmp(argv[2], "1") != 0 || strcmp(argv[3], "1") != 0) {
        printf("{\"unsupported\": true}\n");
        return 0;
    }
    size_t size = (size_t)atol(argv[4]), depth = queue_depth(size);
    uint64_t count = (uint64_t)atoll(argv[5]);
    unsigned char *from = malloc(size), *to = rb_shared(depth * size);
    memset(from, 0x5a, size);
    memset(to, 1, depth * size);
    rb_pin(0);
    uint64_t start = rb_now();
    for (uint64_t i = 1; i <= count; i++) {
        memcpy(from, &i, sizeof i);
        memcpy(to + i % depth * size, from, size);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    double s = (double)(rb_now() - start) * 1e-9;
    printf("{\"version\": \"libc\", \"messages\": %llu, \"seconds\": %.5f, \"per_s\": %.1f, \"ns\": %.2f, \"errors\": 0}\n",
           (unsigned long long)count, s, (double)count / s, s * 1e9 / (double)count);
    return 0;
}
