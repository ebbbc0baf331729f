// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the images of instances are kept in.
#define _GNU_SOURCE
#include <sys/mman.h>

#include "CInterpreter.h"

int sw_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
