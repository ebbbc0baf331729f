// SPDX-License-Identifier: Apache-2.0
// Swiftlet: system calls on paths that glibc 2.36 has no wrapper for (and that Swift cannot call variadically).
#pragma once
#include <stdint.h>
#include <stddef.h>

/// openat2(2), Linux 5.6. `flags` and `mode` as in open(2), `resolve` a set of RESOLVE_*.
/// Returns a descriptor, or -1 with errno.
int swl_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);

/// getdents64(2) into `buffer`. Returns the number of bytes, 0 at the end, or -1 with errno.
long swl_getdents64(int directory, void *buffer, size_t byteCount);
