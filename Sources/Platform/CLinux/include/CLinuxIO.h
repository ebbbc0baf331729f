// SPDX-License-Identifier: Apache-2.0
// Swiftlet: glibc functions that only exist with _GNU_SOURCE, which Swift's Glibc module does not set.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <stddef.h>

/// ppoll(2) with the signal mask unchanged. `entries` are struct pollfd; `timeout` is a struct timespec and may be
/// null. Untyped, so that the types stay the ones of Swift's Glibc module.
int swl_ppoll(void *entries, size_t count, const void *timeout);

/// accept4(2) without the peer's address, with SOCK_NONBLOCK and SOCK_CLOEXEC.
int swl_accept(int listener);

/// fallocate(2) with mode 0.
int swl_fallocate(int file, int64_t offset, int64_t byteCount);

/// getrandom(2) with flags 0.
long swl_getrandom(void *buffer, size_t byteCount);

/// mallopt(3) with M_ARENA_MAX: how many heaps threads may have. Returns 0 or -1.
int swl_limit_heaps(int count);
