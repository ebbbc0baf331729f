// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a number for what the processor can do.

#include "CDigest.h"

#include <string.h>

/// FNV-1a (draft-eastlake-fnv).
static uint64_t mixed(uint64_t sum, const void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) sum = (sum ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    return sum;
}

static const uint64_t basis = 0xcbf29ce484222325;

#if defined(__x86_64__)
#include <cpuid.h>

uint64_t swd_processor(void) {
    uint64_t sum = basis;
    // Vendor and highest leaf; family, model and stepping with the features; extended features; AMD's features.
    static const uint32_t leaves[][2] = {{0, 0}, {1, 0}, {7, 0}, {7, 1}, {0x80000001, 0}, {0x80000008, 0}};
    for (size_t i = 0; i < sizeof leaves / sizeof leaves[0]; i++) {
        uint32_t r[4] = {0};
        __get_cpuid_count(leaves[i][0], leaves[i][1], &r[0], &r[1], &r[2], &r[3]);
        // The number of the core that happens to run this, and how many there are.
        if (leaves[i][0] == 1) r[1] = 0;
        if (leaves[i][0] == 0x80000008) r[0] = r[2] = r[3] = 0;
        sum = mixed(sum, r, sizeof r);
    }
    uint32_t a, b, c, d, saved[2] = {0};
    // Which registers the kernel keeps: without that, wide vectors cannot be used.
    if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_OSXSAVE)) {
        __asm__("xgetbv" : "=a"(saved[0]), "=d"(saved[1]) : "c"(0));
    }
    return mixed(sum, saved, sizeof saved);
}
#else
#include <sys/auxv.h>

uint64_t swd_processor(void) {
    unsigned long features[2] = {getauxval(AT_HWCAP), getauxval(AT_HWCAP2)};
    return mixed(basis, features, sizeof features);
}
#endif
