/* Pins the entropy that CPython draws while its snapshot is made, and with it the hash seed of every later run.
   Preloaded into componentize-py only; which of the two executors is being built comes from its environment. */
#include <stddef.h>
#include <stdlib.h>
#include <sys/types.h>

static void fill(unsigned char *out, size_t length) {
    const char *which = getenv("AZR_EXECUTOR_SEED");
    /* splitmix64, started anew at each call: what is drawn does not depend on how often it was asked for. */
    unsigned long long state = 0x9e3779b97f4a7c15ULL * (1 + (which ? strtoull(which, NULL, 10) : 0));
    for (size_t i = 0; i < length; i++) {
        state += 0x9e3779b97f4a7c15ULL;
        unsigned long long z = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        out[i] = (unsigned char)(z >> 56);
    }
}

ssize_t getrandom(void *out, size_t length, unsigned int flags) {
    (void)flags;
    fill(out, length);
    return (ssize_t)length;
}

int getentropy(void *out, size_t length) {
    fill(out, length);
    return 0;
}
