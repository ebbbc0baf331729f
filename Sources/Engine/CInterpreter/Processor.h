// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what the processor can do (Intel SDM volume 2A, CPUID, and volume 1, section 14.3).
#pragma once

#include <stdbool.h>

#if __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>

/// Whether the processor has all that the handlers in CInterpreterAVX2.c use, and the kernel keeps the wide registers.
/// The library has asked the processor already: in a virtual machine each question costs about 2 µs.
static bool sw_processor_has_avx2(void) {
    return CPU_FEATURE_ACTIVE(AVX2) && CPU_FEATURE_ACTIVE(BMI1) && CPU_FEATURE_ACTIVE(BMI2) &&
           CPU_FEATURE_ACTIVE(FMA) && CPU_FEATURE_ACTIVE(LZCNT) && CPU_FEATURE_ACTIVE(MOVBE) &&
           CPU_FEATURE_ACTIVE(POPCNT) && CPU_FEATURE_ACTIVE(SSE4_2) && CPU_FEATURE_ACTIVE(SSSE3);
}
#else
#include <cpuid.h>
#include <stdint.h>

/// Whether the processor has all that the handlers in CInterpreterAVX2.c use, and the kernel keeps the wide registers.
static bool sw_processor_has_avx2(void) {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
    const uint32_t needed = bit_FMA | bit_SSE41 | bit_SSE42 | bit_SSSE3 | bit_POPCNT | bit_MOVBE | bit_OSXSAVE | bit_AVX;
    if ((c & needed) != needed) return false;
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    if ((low & 6) != 6) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const uint32_t extended = bit_AVX2 | bit_BMI | bit_BMI2;
    if ((b & extended) != extended) return false;
    return __get_cpuid(0x80000001, &a, &b, &c, &d) && (c & bit_LZCNT) != 0;
}
#endif
