// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the handlers once more, for processors of x86-64-v3 (AVX2, BMI, FMA). See docs/RATIONALE.md.

#if defined(__x86_64__)
#include <immintrin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,fma,lzcnt,movbe,popcnt"))), apply_to = function)
#define SW_HAS_AVX2 1
#include "CInterpreter.c"
#pragma clang attribute pop
#endif
