// SPDX-License-Identifier: Apache-2.0
// Swiftlet: copying between files inside the kernel.
#pragma once
#include <sys/types.h>

/// copy_file_range(2) from the current positions; bytes copied, or -errno.
ssize_t swl_copy_file_range(int from, int into, size_t count);
