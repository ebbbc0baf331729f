// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinuxPath.h"

#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int swl_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how;
    memset(&how, 0, sizeof how);
    how.flags = flags;
    how.mode = mode;
    how.resolve = resolve;
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

ssize_t swl_getdents64(int directory, void *buffer, size_t byteCount) {
    return syscall(SYS_getdents64, directory, buffer, byteCount);
}
