// A wall clock that jumps by years at every look, forwards and backwards, to before 1970 too. The monotonic clock is
// left alone, as it is by whoever sets a clock.

#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int looks;
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_REALTIME) {
        now->tv_sec = (__sync_fetch_and_add(&looks, 1) % 3 - 1) * 900000000;
    }
    return result;
}
