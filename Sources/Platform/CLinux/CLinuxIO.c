// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxIO.h"

#include <malloc.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/random.h>
#include <sys/socket.h>

int swl_ppoll(void *entries, size_t count, const void *timeout) {
    return ppoll(entries, (nfds_t)count, timeout, NULL);
}

int swl_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC); }

int swl_fallocate(int file, int64_t offset, int64_t byteCount) { return fallocate(file, 0, offset, byteCount); }

ssize_t swl_getrandom(void *buffer, size_t byteCount) { return getrandom(buffer, byteCount, 0); }

int swl_limit_heaps(int count) { return mallopt(M_ARENA_MAX, count) ? 0 : -1; }
