// SPDX-License-Identifier: Apache-2.0
// Swiftlet: memory.atomic.wait and notify: where guest threads sleep.

#include "CInterpreter.h"

#include <pthread.h>
#include <time.h>

// One waiting thread. It lives on that thread's stack; the list is guarded by the lot's lock.
struct waiter {
    const void *place;
    struct waiter *next;
    bool is_notified;
    pthread_cond_t condition;
};

// A parking lot per hash of an address. The lock makes comparing the value and going to sleep one step for notifiers.
struct lot {
    pthread_mutex_t lock;
    struct waiter *first;
};

enum { lot_count = 64, expected_shared_memory = 31, interrupted = 11 };
static struct lot lots[lot_count] = {[0 ... lot_count - 1] = {.lock = PTHREAD_MUTEX_INITIALIZER}};

static struct lot *lot_of(const void *place) {
    return &lots[((uintptr_t)place >> 2) * 0x9E3779B97F4A7C15ull >> 58];
}

static uint32_t notify(const void *place, uint32_t count) {
    struct lot *lot = lot_of(place);
    uint32_t woken = 0;
    pthread_mutex_lock(&lot->lock);
    // The list is in the order of arrival, and so are the awakenings.
    for (struct waiter *waiter = lot->first; waiter && woken < count; waiter = waiter->next) {
        if (waiter->place != place || waiter->is_notified) continue;
        waiter->is_notified = true;
        pthread_cond_signal(&waiter->condition);
        woken++;
    }
    pthread_mutex_unlock(&lot->lock);
    return woken;
}

static struct timespec after(struct timespec time, int64_t nanoseconds) {
    time.tv_sec += nanoseconds / 1000000000;
    time.tv_nsec += nanoseconds % 1000000000;
    if (time.tv_nsec >= 1000000000) {
        time.tv_sec += 1;
        time.tv_nsec -= 1000000000;
    }
    return time;
}

static bool is_before(struct timespec a, struct timespec b) {
    return a.tv_sec != b.tv_sec ? a.tv_sec < b.tv_sec : a.tv_nsec < b.tv_nsec;
}

static void append(struct lot *lot, struct waiter *waiter) {
    struct waiter **end = &lot->first;
    while (*end) end = &(*end)->next;
    *end = waiter;
}

static void remove_waiter(struct lot *lot, struct waiter *waiter) {
    struct waiter **link = &lot->first;
    while (*link != waiter) link = &(*link)->next;
    *link = waiter->next;
}

// 0 = notified, 1 = the value is another one, 2 = timed out; 3 = interrupted.
static uint32_t wait(const sw_machine *machine, const void *place, bool is_64, uint64_t expected, int64_t timeout) {
    struct lot *lot = lot_of(place);
    struct waiter waiter = {.place = place};
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&waiter.condition, &attributes);
    pthread_condattr_destroy(&attributes);
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    // LIMIT: a timeout beyond 100 years is none.
    bool has_deadline = timeout >= 0 && timeout < 3153600000000000000ll;
    struct timespec deadline = after(now, has_deadline ? timeout : 0);
    uint32_t outcome = 0;
    pthread_mutex_lock(&lot->lock);
    uint64_t value = is_64 ? __atomic_load_n((const uint64_t *)place, __ATOMIC_SEQ_CST)
                           : __atomic_load_n((const uint32_t *)place, __ATOMIC_SEQ_CST);
    if (value != expected) {
        outcome = 1;
    } else {
        append(lot, &waiter);
        while (!waiter.is_notified) {
            clock_gettime(CLOCK_MONOTONIC, &now);
            if (machine->is_interrupted) outcome = 3;
            if (has_deadline && !is_before(now, deadline)) outcome = 2;
            if (outcome) break;
            // An interrupt comes from a signal handler and cannot signal a condition: it is looked for ten times a
            // second.
            struct timespec slice = after(now, 100000000);
            if (has_deadline && is_before(deadline, slice)) slice = deadline;
            pthread_cond_timedwait(&waiter.condition, &lot->lock, &slice);
        }
        if (waiter.is_notified) outcome = 0;
        remove_waiter(lot, &waiter);
    }
    pthread_mutex_unlock(&lot->lock);
    pthread_cond_destroy(&waiter.condition);
    return outcome;
}

uint32_t sw_wait_operation(
    sw_context *context, const sw_memory *memory, uint32_t number, uint64_t at, uint64_t value, int64_t timeout,
    uint64_t *result) {
    const void *place = memory->base + at;
    if (number == 0) {
        // Nobody can wait on a memory that is not shared.
        *result = memory->is_shared ? notify(place, (uint32_t)value) : 0;
        return 0;
    }
    if (!memory->is_shared) return expected_shared_memory;
    uint32_t outcome = wait(context->machine, place, number == 2, value, timeout);
    if (outcome == 3) return interrupted;
    *result = outcome;
    return 0;
}
