// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the sampling profile of interpreted code (Profile.h).

#define _GNU_SOURCE
#include "Profile.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <ucontext.h>

#include "Machine.h"

/// LIMIT: chunks are 64 KiB or one larger function each; what lies beyond is not sampled.
enum { sw_chunk_limit = 4096 };

typedef struct {
    const uint8_t *base;
    uint32_t used;
} sw_chunk;

// Written by translating threads, read by the signal handler on any thread: every field on its own, with the order that
// the handler relies on.
static sw_chunk sw_chunks[sw_chunk_limit];
static uint32_t sw_chunk_count;
static uint32_t *sw_counts;
static uint32_t sw_count_limit;

static void sw_count(uint32_t function, uint32_t weight) {
    if (function >= sw_count_limit) return;
    uint32_t old = __atomic_load_n(&sw_counts[function], __ATOMIC_RELAXED);
    if (old <= UINT32_MAX - weight) __atomic_store_n(&sw_counts[function], old + weight, __ATOMIC_RELAXED);
}

/// The block around `pc`, found by walking from the chunk's first one.
static const sw_function *sw_function_in(const uint8_t *base, uint32_t used, const uint8_t *pc) {
    uint64_t position = (uint64_t)(pc - base);
    for (uint64_t block = 0; block + 16 <= used;) {
        const uint64_t *header = (const uint64_t *)(base + block);
        uint64_t end = block + 16 + header[1];
        if (position < end) return position >= block + 16 ? (const sw_function *)header[0] : NULL;
        block = end;
    }
    return NULL;
}

/// A handler's program counter is in the first register of its calling convention (Registers.h). Code that handlers call
/// keeps it or saves it; a value that happens to look like one costs a wrong sample.
static void sw_take_sample(int number, siginfo_t *info, void *opaque) {
    (void)number, (void)info;
    const ucontext_t *context = opaque;
#if defined(__x86_64__)
    const uint8_t *pc = (const uint8_t *)context->uc_mcontext.gregs[REG_R12];
#else
    const uint8_t *pc = (const uint8_t *)context->uc_mcontext.regs[20];
#endif
    uint32_t count = __atomic_load_n(&sw_chunk_count, __ATOMIC_ACQUIRE);
    for (uint32_t index = 0; index < count && index < sw_chunk_limit; index++) {
        const uint8_t *base = __atomic_load_n(&sw_chunks[index].base, __ATOMIC_ACQUIRE);
        uint32_t used = __atomic_load_n(&sw_chunks[index].used, __ATOMIC_ACQUIRE);
        if (!base || pc < base || (uint64_t)(pc - base) >= used) continue;
        const sw_function *function = sw_function_in(base, used, pc);
        if (function) sw_count(function->index, sw_profile_sample_weight);
        return;
    }
}

bool sw_profile_start(uint32_t *counts, uint32_t count, uint32_t interval) {
    if (sw_counts || interval == 0 || interval >= 1000000) {
        errno = sw_counts ? EBUSY : EINVAL;
        return false;
    }
    // On the thread's signal stack where it has one: native code may run close to the end of its own.
    struct sigaction action = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    action.sa_sigaction = sw_take_sample;
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGPROF, &action, NULL) != 0) return false;
    sw_count_limit = count;
    sw_counts = counts;
    struct itimerval timer = {.it_interval = {.tv_usec = interval}, .it_value = {.tv_usec = interval}};
    return setitimer(ITIMER_PROF, &timer, NULL) == 0;
}

bool sw_profile_is_on(void) { return sw_counts != NULL; }

int32_t sw_profile_add_chunk(const uint8_t *base) {
    // A reserved place without a base is skipped by the handler.
    uint32_t index = __atomic_fetch_add(&sw_chunk_count, 1, __ATOMIC_ACQ_REL);
    if (index >= sw_chunk_limit) {
        __atomic_fetch_sub(&sw_chunk_count, 1, __ATOMIC_ACQ_REL);
        return -1;
    }
    __atomic_store_n(&sw_chunks[index].used, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&sw_chunks[index].base, base, __ATOMIC_RELEASE);
    return (int32_t)index;
}

void sw_profile_set_used(int32_t chunk, uint32_t byte_count, uint32_t function) {
    if (chunk >= 0) __atomic_store_n(&sw_chunks[chunk].used, byte_count, __ATOMIC_RELEASE);
    if (function < sw_count_limit && __atomic_load_n(&sw_counts[function], __ATOMIC_RELAXED) == 0)
        sw_count(function, 1);
}

void sw_profile_remove_chunk(int32_t chunk) {
    if (chunk >= 0) __atomic_store_n(&sw_chunks[chunk].base, NULL, __ATOMIC_RELEASE);
}
