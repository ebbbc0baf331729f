// SPDX-License-Identifier: Apache-2.0
// Swiftlet: copying between files inside the kernel.
#define _GNU_SOURCE
#include "CLinuxCopy.h"

#include <errno.h>
#include <unistd.h>

ssize_t swl_copy_file_range(int from, int into, size_t count) {
    ssize_t result = copy_file_range(from, NULL, into, NULL, count, 0);
    return result < 0 ? -errno : result;
}
