// SPDX-License-Identifier: Apache-2.0
// Swiftlet: lanes of vectors, and the operations on them that compilers do not know: with the machine's instructions
// where there are some, and in plain C.
#pragma once

#include "Semantics.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

// Vector code is compiled for each level of the processor (see HandlerTable.h): this header follows the level.
#ifndef SW_HAS_AVX2
#define SW_HAS_AVX2 0
#endif

typedef sw_v128 __attribute__((may_alias, aligned(1))) sw_unaligned_v128;
typedef int8_t sw_i8x16 __attribute__((ext_vector_type(16)));
typedef uint8_t sw_u8x16 __attribute__((ext_vector_type(16)));
typedef int16_t sw_i16x8 __attribute__((ext_vector_type(8)));
typedef uint16_t sw_u16x8 __attribute__((ext_vector_type(8)));
typedef int32_t sw_i32x4 __attribute__((ext_vector_type(4)));
typedef uint32_t sw_u32x4 __attribute__((ext_vector_type(4)));
typedef int64_t sw_i64x2 __attribute__((ext_vector_type(2)));
typedef uint64_t sw_u64x2 __attribute__((ext_vector_type(2)));
typedef float sw_f32x4 __attribute__((ext_vector_type(4)));
typedef double sw_f64x2 __attribute__((ext_vector_type(2)));
typedef float sw_f32x2 __attribute__((ext_vector_type(2)));
typedef int32_t sw_i32x8 __attribute__((ext_vector_type(8)));
typedef int8_t sw_i8x8 __attribute__((ext_vector_type(8)));
typedef uint8_t sw_u8x8 __attribute__((ext_vector_type(8)));
typedef int16_t sw_i16x4 __attribute__((ext_vector_type(4)));
typedef uint16_t sw_u16x4 __attribute__((ext_vector_type(4)));
typedef int32_t sw_i32x2 __attribute__((ext_vector_type(2)));
typedef uint32_t sw_u32x2 __attribute__((ext_vector_type(2)));

// Functions of one or two vectors whose lanes have the type L.
#define SW_V1(name, L, expression)                                                                                    \
    static inline sw_v128 sw_##name(sw_v128 x) {                                                                      \
        L a = (L)x;                                                                                                   \
        return (sw_v128)(expression);                                                                                 \
    }
#define SW_V2(name, L, expression)                                                                                    \
    static inline sw_v128 sw_##name(sw_v128 x, sw_v128 y) {                                                           \
        L a = (L)x, b = (L)y;                                                                                         \
        return (sw_v128)(expression);                                                                                 \
    }

/// All ones in `count` bytes from byte `first` on, zero elsewhere.
static inline sw_v128 sw_lane_mask(uint32_t first, uint32_t count) {
    static const sw_u8x16 numbers = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    return (sw_v128)((numbers ^ (sw_u8x16)(uint8_t)first) < (sw_u8x16)(uint8_t)count);
}

// Bytes of the first operand chosen by the second; 0 for numbers above 15.
#if SW_HAS_AVX2
static inline sw_v128 sw_i8x16_swizzle(sw_v128 x, sw_v128 y) {
    // pshufb looks at bit 7: saturation brings all numbers above 15 there.
    __m128i numbers = _mm_adds_epu8((__m128i)y, _mm_set1_epi8(0x70));
    return (sw_v128)_mm_shuffle_epi8((__m128i)x, numbers);
}
/// Numbers are below 16, or 128 and above for 0.
static inline sw_v128 sw_choose_bytes(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_shuffle_epi8((__m128i)x, (__m128i)y);
}
#else
static inline sw_v128 sw_i8x16_swizzle(sw_v128 x, sw_v128 y) {
    sw_u8x16 a = (sw_u8x16)x, b = (sw_u8x16)y, result;
    uint8_t bytes[16];
    __builtin_memcpy(bytes, &a, 16);
#pragma clang loop unroll(disable)
    for (int i = 0; i < 16; i++) result[i] = b[i] < 16 ? bytes[b[i]] : 0;
    return (sw_v128)result;
}
static inline sw_v128 sw_choose_bytes(sw_v128 x, sw_v128 y) { return sw_i8x16_swizzle(x, y); }
#endif

// Bit i is the sign of lane i.
#if defined(__x86_64__)
static inline uint32_t sw_i8x16_bitmask(sw_v128 x) { return (uint32_t)_mm_movemask_epi8((__m128i)x); }
static inline uint32_t sw_i16x8_bitmask(sw_v128 x) {
    return (uint32_t)_mm_movemask_epi8(_mm_packs_epi16((__m128i)x, _mm_setzero_si128()));
}
static inline uint32_t sw_i32x4_bitmask(sw_v128 x) { return (uint32_t)_mm_movemask_ps((__m128)x); }
static inline uint32_t sw_i64x2_bitmask(sw_v128 x) { return (uint32_t)_mm_movemask_pd((__m128d)x); }
#else
#define SW_V_BITMASK(p, S, count)                                                                                     \
    static inline uint32_t sw_##p##_bitmask(sw_v128 x) {                                                              \
        S a = (S)x;                                                                                                   \
        uint32_t mask = 0;                                                                                            \
        for (int i = 0; i < count; i++) mask |= (uint32_t)(a[i] < 0) << i;                                            \
        return mask;                                                                                                  \
    }
SW_V_BITMASK(i8x16, sw_i8x16, 16)
SW_V_BITMASK(i16x8, sw_i16x8, 8)
SW_V_BITMASK(i32x4, sw_i32x4, 4)
SW_V_BITMASK(i64x2, sw_i64x2, 2)
#endif

// Halving of lanes with saturation: the first operand's lanes, then the second's.
#if defined(__x86_64__)
static inline sw_v128 sw_i8x16_narrow_i16x8_s(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_packs_epi16((__m128i)x, (__m128i)y);
}
static inline sw_v128 sw_i8x16_narrow_i16x8_u(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_packus_epi16((__m128i)x, (__m128i)y);
}
static inline sw_v128 sw_i16x8_narrow_i32x4_s(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_packs_epi32((__m128i)x, (__m128i)y);
}
#else
SW_V2(i8x16_narrow_i16x8_s, sw_i16x8, __builtin_convertvector(
    __builtin_elementwise_min(__builtin_elementwise_max(__builtin_shufflevector(
        a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), -128), 127), sw_i8x16))
SW_V2(i8x16_narrow_i16x8_u, sw_i16x8, __builtin_convertvector(
    __builtin_elementwise_min(__builtin_elementwise_max(__builtin_shufflevector(
        a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), 0), 255), sw_u8x16))
SW_V2(i16x8_narrow_i32x4_s, sw_i32x4, __builtin_convertvector(
    __builtin_elementwise_min(__builtin_elementwise_max(__builtin_shufflevector(
        a, b, 0, 1, 2, 3, 4, 5, 6, 7), -32768), 32767), sw_i16x8))
#endif
#if SW_HAS_AVX2
static inline sw_v128 sw_i16x8_narrow_i32x4_u(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_packus_epi32((__m128i)x, (__m128i)y);
}
#else
static inline sw_v128 sw_i16x8_narrow_i32x4_u(sw_v128 x, sw_v128 y) {
    sw_i32x4 zero = 0, most = 65535;
    sw_i32x4 a = __builtin_elementwise_min(__builtin_elementwise_max((sw_i32x4)x, zero), most);
    sw_i32x4 b = __builtin_elementwise_min(__builtin_elementwise_max((sw_i32x4)y, zero), most);
    return (sw_v128)__builtin_shufflevector((sw_u16x8)a, (sw_u16x8)b, 0, 2, 4, 6, 8, 10, 12, 14);
}
#endif

// Products.
#if defined(__x86_64__)
static inline sw_v128 sw_i32x4_dot_i16x8_s(sw_v128 x, sw_v128 y) {
    return (sw_v128)_mm_madd_epi16((__m128i)x, (__m128i)y);
}
#else
static inline sw_v128 sw_i32x4_dot_i16x8_s(sw_v128 x, sw_v128 y) {
    sw_i32x4 a = (sw_i32x4)x, b = (sw_i32x4)y;
    sw_u32x4 even = (sw_u32x4)(((sw_i32x4)((sw_u32x4)a << 16) >> 16) * ((sw_i32x4)((sw_u32x4)b << 16) >> 16));
    return (sw_v128)(even + (sw_u32x4)((a >> 16) * (b >> 16)));
}
#endif
#if SW_HAS_AVX2
static inline sw_v128 sw_i16x8_q15mulr_sat_s(sw_v128 x, sw_v128 y) {
    // Only -1 * -1 overflows, to -1: all bits of such lanes are turned.
    sw_i16x8 product = (sw_i16x8)_mm_mulhrs_epi16((__m128i)x, (__m128i)y);
    return (sw_v128)(product ^ (product == (sw_i16x8)INT16_MIN));
}
#else
static inline sw_v128 sw_i16x8_q15mulr_sat_s(sw_v128 x, sw_v128 y) {
    sw_i32x8 wide = __builtin_convertvector((sw_i16x8)x, sw_i32x8) * __builtin_convertvector((sw_i16x8)y, sw_i32x8);
    // Only -1 * -1 overflows.
    sw_i32x8 most = INT16_MAX;
    return (sw_v128)__builtin_convertvector(__builtin_elementwise_min((wide + 0x4000) >> 15, most), sw_i16x8);
}
#endif

// Truncation of floats with saturation; a NaN becomes 0.
#if defined(__x86_64__)
static inline sw_v128 sw_i32x4_trunc_sat_f32x4_s(sw_v128 x) {
    sw_f32x4 a = (sw_f32x4)x;
    sw_i32x4 result = (sw_i32x4)_mm_cvttps_epi32((__m128)((sw_i32x4)a & (a == a)));
    // What does not fit became INT32_MIN, which is right for the low end.
    return (sw_v128)(result ^ (a >= 0x1p31f));
}
static inline sw_v128 sw_i32x4_trunc_sat_f32x4_u(sw_v128 x) {
    sw_f32x4 a = (sw_f32x4)x, zero = 0.0f;
    a = a > zero ? a : zero;
    // The part below 2^31, or 2^31; then the part above, cut at 2^31 - 1.
    sw_i32x4 low = (sw_i32x4)_mm_cvttps_epi32((__m128)a);
    sw_f32x4 rest = a - 0x1p31f;
    sw_i32x4 high = (sw_i32x4)_mm_cvttps_epi32((__m128)rest) ^ (rest >= 0x1p31f);
    return (sw_v128)((sw_u32x4)low + (sw_u32x4)(high & (high > 0)));
}
#else
#define SW_V_TRUNCATION(s)                                                                                            \
    static inline sw_v128 sw_i32x4_trunc_sat_f32x4_##s(sw_v128 x) {                                                   \
        sw_f32x4 a = (sw_f32x4)x;                                                                                     \
        return (sw_v128)(sw_u32x4){sw_i32_trunc_sat_f32_##s(a[0]), sw_i32_trunc_sat_f32_##s(a[1]),                    \
            sw_i32_trunc_sat_f32_##s(a[2]), sw_i32_trunc_sat_f32_##s(a[3])};                                          \
    }
SW_V_TRUNCATION(s)
SW_V_TRUNCATION(u)
#endif
