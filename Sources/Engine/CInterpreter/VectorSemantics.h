// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what each vector instruction computes (core specification §4.3.2 and §4.3.6), as functions from values to a
// value.
#pragma once

#include "VectorLanes.h"

// A comparison of lanes gives all ones or zero.
#define SW_V_COMPARES(p, S, U)                                                                                        \
    SW_V2(p##_eq, S, a == b)                                                                                          \
    SW_V2(p##_ne, S, a != b)                                                                                          \
    SW_V2(p##_lt_s, S, a < b)                                                                                         \
    SW_V2(p##_lt_u, U, a < b)                                                                                         \
    SW_V2(p##_gt_s, S, a > b)                                                                                         \
    SW_V2(p##_gt_u, U, a > b)                                                                                         \
    SW_V2(p##_le_s, S, a <= b)                                                                                        \
    SW_V2(p##_le_u, U, a <= b)                                                                                        \
    SW_V2(p##_ge_s, S, a >= b)                                                                                        \
    SW_V2(p##_ge_u, U, a >= b)

// Lanes are computed unsigned where they may overflow. Shift counts are modulo the width.
#define SW_V_INTEGER(p, S, U, L, width)                                                                               \
    SW_V_COMPARES(p, S, U)                                                                                            \
    SW_V1(p##_abs, S, __builtin_elementwise_abs(a))                                                                   \
    SW_V1(p##_neg, U, -a)                                                                                             \
    SW_V2(p##_add, U, a + b)                                                                                          \
    SW_V2(p##_sub, U, a - b)                                                                                          \
    SW_V2(p##_mul, U, a *b)                                                                                           \
    SW_V2(p##_add_sat_s, S, __builtin_elementwise_add_sat(a, b))                                                      \
    SW_V2(p##_add_sat_u, U, __builtin_elementwise_add_sat(a, b))                                                      \
    SW_V2(p##_sub_sat_s, S, __builtin_elementwise_sub_sat(a, b))                                                      \
    SW_V2(p##_sub_sat_u, U, __builtin_elementwise_sub_sat(a, b))                                                      \
    SW_V2(p##_min_s, S, __builtin_elementwise_min(a, b))                                                              \
    SW_V2(p##_min_u, U, __builtin_elementwise_min(a, b))                                                              \
    SW_V2(p##_max_s, S, __builtin_elementwise_max(a, b))                                                              \
    SW_V2(p##_max_u, U, __builtin_elementwise_max(a, b))                                                              \
    SW_V2(p##_avgr_u, U, (a | b) - ((a ^ b) >> 1))                                                                    \
    static inline sw_v128 sw_##p##_shl(sw_v128 x, uint32_t n) { return (sw_v128)((U)x << (U)(L)(n & (width - 1))); }  \
    static inline sw_v128 sw_##p##_shr_u(sw_v128 x, uint32_t n) { return (sw_v128)((U)x >> (U)(L)(n & (width - 1))); }\
    static inline sw_v128 sw_##p##_shr_s(sw_v128 x, uint32_t n) {                                                     \
        return (sw_v128)((S)x >> (S)(U)(L)(n & (width - 1)));                                                         \
    }                                                                                                                 \
    static inline uint32_t sw_##p##_all_true(sw_v128 x) { return !__builtin_reduce_or((S)x == 0); }
SW_V_INTEGER(i8x16, sw_i8x16, sw_u8x16, uint8_t, 8)
SW_V_INTEGER(i16x8, sw_i16x8, sw_u16x8, uint16_t, 16)
SW_V_INTEGER(i32x4, sw_i32x4, sw_u32x4, uint32_t, 32)
SW_V_INTEGER(i64x2, sw_i64x2, sw_u64x2, uint64_t, 64)
SW_V1(i8x16_popcnt, sw_u8x16, __builtin_elementwise_popcount(a))

SW_V1(v128_not, sw_u64x2, ~a)
SW_V2(v128_and, sw_u64x2, a & b)
SW_V2(v128_andnot, sw_u64x2, a & ~b)
SW_V2(v128_or, sw_u64x2, a | b)
SW_V2(v128_xor, sw_u64x2, a ^ b)
static inline sw_v128 sw_v128_bitselect(sw_v128 a, sw_v128 b, sw_v128 c) { return b ^ ((a ^ b) & c); }
static inline uint32_t sw_v128_any_true(sw_v128 x) { return __builtin_reduce_or((sw_u64x2)x) != 0; }

// min and max: where both orders of the comparison agree it is the result; of +0 and -0 the bits decide; a NaN in either
// operand gives the canonical one. pmin and pmax are the comparison alone.
#define SW_V_FLOAT(p, F, I, U, sign, payload)                                                                         \
    SW_V2(p##_eq, F, a == b)                                                                                          \
    SW_V2(p##_ne, F, a != b)                                                                                          \
    SW_V2(p##_lt, F, a < b)                                                                                           \
    SW_V2(p##_gt, F, a > b)                                                                                           \
    SW_V2(p##_le, F, a <= b)                                                                                          \
    SW_V2(p##_ge, F, a >= b)                                                                                          \
    SW_V1(p##_abs, U, a & ~(U)(sign))                                                                                 \
    SW_V1(p##_neg, U, a ^ (U)(sign))                                                                                  \
    SW_V1(p##_sqrt, F, __builtin_elementwise_sqrt(a))                                                                 \
    SW_V1(p##_ceil, F, sw_round_##p(a, ceil))                                                                         \
    SW_V1(p##_floor, F, sw_round_##p(a, floor))                                                                       \
    SW_V1(p##_trunc, F, sw_round_##p(a, trunc))                                                                       \
    SW_V1(p##_nearest, F, sw_round_##p(a, rint))                                                                      \
    SW_V2(p##_add, F, a + b)                                                                                          \
    SW_V2(p##_sub, F, a - b)                                                                                          \
    SW_V2(p##_mul, F, a *b)                                                                                           \
    SW_V2(p##_div, F, a / b)                                                                                          \
    SW_V2(p##_pmin, F, b < a ? b : a)                                                                                 \
    SW_V2(p##_pmax, F, a < b ? b : a)                                                                                 \
    static inline sw_v128 sw_##p##_min(sw_v128 x, sw_v128 y) {                                                        \
        F a = (F)x, b = (F)y;                                                                                         \
        U least = (U)(a < b ? a : b) | (U)(b < a ? b : a), nan = (U)(a != a) | (U)(b != b);                           \
        return (sw_v128)((least | nan) & ~(nan >> (payload)));                                                        \
    }                                                                                                                 \
    static inline sw_v128 sw_##p##_max(sw_v128 x, sw_v128 y) {                                                        \
        F a = (F)x, b = (F)y;                                                                                         \
        U most = (U)(a > b ? a : b) & (U)(b > a ? b : a), nan = (U)(a != a) | (U)(b != b);                            \
        return (sw_v128)((most | nan) & ~(nan >> (payload)));                                                         \
    }
// Roundings make a NaN quiet, as arithmetic does.
#define sw_round_f32x4(a, how) __builtin_elementwise_##how(a)
#define sw_round_f64x2(a, how) __builtin_elementwise_##how(a)
SW_V_FLOAT(f32x4, sw_f32x4, sw_i32x4, sw_u32x4, UINT32_C(0x80000000), 10)
SW_V_FLOAT(f64x2, sw_f64x2, sw_i64x2, sw_u64x2, UINT64_C(0x8000000000000000), 13)

// Widening of the lower or upper half of the lanes.
#define SW_LOW8(a) __builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7)
#define SW_HIGH8(a) __builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15)
#define SW_LOW4(a) __builtin_shufflevector(a, a, 0, 1, 2, 3)
#define SW_HIGH4(a) __builtin_shufflevector(a, a, 4, 5, 6, 7)
#define SW_LOW2(a) __builtin_shufflevector(a, a, 0, 1)
#define SW_HIGH2(a) __builtin_shufflevector(a, a, 2, 3)
#define SW_V_EXTEND(p, q, S, U, LOW, HIGH, WS, WU)                                                                    \
    SW_V1(p##_extend_low_##q##_s, S, __builtin_convertvector(LOW(a), WS))                                             \
    SW_V1(p##_extend_high_##q##_s, S, __builtin_convertvector(HIGH(a), WS))                                           \
    SW_V1(p##_extend_low_##q##_u, U, __builtin_convertvector(LOW(a), WU))                                             \
    SW_V1(p##_extend_high_##q##_u, U, __builtin_convertvector(HIGH(a), WU))                                           \
    SW_V2(p##_extmul_low_##q##_s, S, __builtin_convertvector(LOW(a), WS) * __builtin_convertvector(LOW(b), WS))       \
    SW_V2(p##_extmul_high_##q##_s, S, __builtin_convertvector(HIGH(a), WS) * __builtin_convertvector(HIGH(b), WS))    \
    SW_V2(p##_extmul_low_##q##_u, U, __builtin_convertvector(LOW(a), WU) * __builtin_convertvector(LOW(b), WU))       \
    SW_V2(p##_extmul_high_##q##_u, U, __builtin_convertvector(HIGH(a), WU) * __builtin_convertvector(HIGH(b), WU))
SW_V_EXTEND(i16x8, i8x16, sw_i8x16, sw_u8x16, SW_LOW8, SW_HIGH8, sw_i16x8, sw_u16x8)
SW_V_EXTEND(i32x4, i16x8, sw_i16x8, sw_u16x8, SW_LOW4, SW_HIGH4, sw_i32x4, sw_u32x4)
SW_V_EXTEND(i64x2, i32x4, sw_i32x4, sw_u32x4, SW_LOW2, SW_HIGH2, sw_i64x2, sw_u64x2)

// Sums of neighbours: the even and the odd lanes of a wide lane, moved to its place.
SW_V1(i16x8_extadd_pairwise_i8x16_s, sw_i16x8, ((sw_i16x8)((sw_u16x8)a << 8) >> 8) + (a >> 8))
SW_V1(i16x8_extadd_pairwise_i8x16_u, sw_u16x8, (a & 0xFF) + (a >> 8))
SW_V1(i32x4_extadd_pairwise_i16x8_s, sw_i32x4, ((sw_i32x4)((sw_u32x4)a << 16) >> 16) + (a >> 16))
SW_V1(i32x4_extadd_pairwise_i16x8_u, sw_u32x4, (a & 0xFFFF) + (a >> 16))

// Conversions between integers and floats.
SW_V1(f32x4_convert_i32x4_s, sw_i32x4, __builtin_convertvector(a, sw_f32x4))
SW_V1(f32x4_convert_i32x4_u, sw_u32x4, __builtin_convertvector(a, sw_f32x4))
SW_V1(f64x2_convert_low_i32x4_s, sw_i32x4, __builtin_convertvector(SW_LOW2(a), sw_f64x2))
SW_V1(f64x2_convert_low_i32x4_u, sw_u32x4, __builtin_convertvector(SW_LOW2(a), sw_f64x2))
SW_V1(f64x2_promote_low_f32x4, sw_f32x4, __builtin_convertvector(SW_LOW2(a), sw_f64x2))
static inline sw_v128 sw_f32x4_demote_f64x2_zero(sw_v128 x) {
    sw_f32x2 low = __builtin_convertvector((sw_f64x2)x, sw_f32x2);
    return (sw_v128)(sw_f32x4){low[0], low[1], 0, 0};
}
SW_V1(i32x4_trunc_sat_f64x2_s_zero, sw_f64x2,
    ((sw_u32x4){sw_i32_trunc_sat_f64_s(a[0]), sw_i32_trunc_sat_f64_s(a[1]), 0, 0}))
SW_V1(i32x4_trunc_sat_f64x2_u_zero, sw_f64x2,
    ((sw_u32x4){sw_i32_trunc_sat_f64_u(a[0]), sw_i32_trunc_sat_f64_u(a[1]), 0, 0}))

// Lanes from and to scalars.
#define SW_V_LANES(p, V, T, C)                                                                                        \
    static inline sw_v128 sw_##p##_splat(T value) { return (sw_v128)(V)(C)value; }                                    \
    static inline sw_v128 sw_##p##_replace_lane(sw_v128 x, T value, uint32_t lane) {                                  \
        sw_v128 mask = sw_lane_mask(lane * sizeof(C), sizeof(C));                                                     \
        return (x & ~mask) | (sw_##p##_splat(value) & mask);                                                          \
    }
SW_V_LANES(i8x16, sw_u8x16, uint32_t, uint8_t)
SW_V_LANES(i16x8, sw_u16x8, uint32_t, uint16_t)
SW_V_LANES(i32x4, sw_u32x4, uint32_t, uint32_t)
SW_V_LANES(i64x2, sw_u64x2, uint64_t, uint64_t)
SW_V_LANES(f32x4, sw_f32x4, float, float)
SW_V_LANES(f64x2, sw_f64x2, double, double)

// Relaxed instructions, always with the result that is the same on every machine (deterministic profile, appendix
// "Profiles"): out-of-range lanes as in the strict instructions, multiply-add with one rounding.
static inline sw_v128 sw_i8x16_relaxed_swizzle(sw_v128 x, sw_v128 y) { return sw_i8x16_swizzle(x, y); }
static inline sw_v128 sw_i32x4_relaxed_trunc_f32x4_s(sw_v128 x) { return sw_i32x4_trunc_sat_f32x4_s(x); }
static inline sw_v128 sw_i32x4_relaxed_trunc_f32x4_u(sw_v128 x) { return sw_i32x4_trunc_sat_f32x4_u(x); }
static inline sw_v128 sw_i32x4_relaxed_trunc_f64x2_s_zero(sw_v128 x) { return sw_i32x4_trunc_sat_f64x2_s_zero(x); }
static inline sw_v128 sw_i32x4_relaxed_trunc_f64x2_u_zero(sw_v128 x) { return sw_i32x4_trunc_sat_f64x2_u_zero(x); }
static inline sw_v128 sw_f32x4_relaxed_madd(sw_v128 x, sw_v128 y, sw_v128 z) {
    return (sw_v128)__builtin_elementwise_fma((sw_f32x4)x, (sw_f32x4)y, (sw_f32x4)z);
}
static inline sw_v128 sw_f32x4_relaxed_nmadd(sw_v128 x, sw_v128 y, sw_v128 z) {
    return (sw_v128)__builtin_elementwise_fma(-(sw_f32x4)x, (sw_f32x4)y, (sw_f32x4)z);
}
static inline sw_v128 sw_f64x2_relaxed_madd(sw_v128 x, sw_v128 y, sw_v128 z) {
    return (sw_v128)__builtin_elementwise_fma((sw_f64x2)x, (sw_f64x2)y, (sw_f64x2)z);
}
static inline sw_v128 sw_f64x2_relaxed_nmadd(sw_v128 x, sw_v128 y, sw_v128 z) {
    return (sw_v128)__builtin_elementwise_fma(-(sw_f64x2)x, (sw_f64x2)y, (sw_f64x2)z);
}
static inline sw_v128 sw_i8x16_relaxed_laneselect(sw_v128 x, sw_v128 y, sw_v128 z) { return sw_v128_bitselect(x, y, z); }
static inline sw_v128 sw_i16x8_relaxed_laneselect(sw_v128 x, sw_v128 y, sw_v128 z) { return sw_v128_bitselect(x, y, z); }
static inline sw_v128 sw_i32x4_relaxed_laneselect(sw_v128 x, sw_v128 y, sw_v128 z) { return sw_v128_bitselect(x, y, z); }
static inline sw_v128 sw_i64x2_relaxed_laneselect(sw_v128 x, sw_v128 y, sw_v128 z) { return sw_v128_bitselect(x, y, z); }
static inline sw_v128 sw_f32x4_relaxed_min(sw_v128 x, sw_v128 y) { return sw_f32x4_min(x, y); }
static inline sw_v128 sw_f32x4_relaxed_max(sw_v128 x, sw_v128 y) { return sw_f32x4_max(x, y); }
static inline sw_v128 sw_f64x2_relaxed_min(sw_v128 x, sw_v128 y) { return sw_f64x2_min(x, y); }
static inline sw_v128 sw_f64x2_relaxed_max(sw_v128 x, sw_v128 y) { return sw_f64x2_max(x, y); }
static inline sw_v128 sw_i16x8_relaxed_q15mulr_s(sw_v128 x, sw_v128 y) { return sw_i16x8_q15mulr_sat_s(x, y); }
// Both operands signed; the sum of two products wraps.
static inline sw_v128 sw_i16x8_relaxed_dot_i8x16_i7x16_s(sw_v128 x, sw_v128 y) {
    sw_u16x8 a = (sw_u16x8)x, b = (sw_u16x8)y;
    sw_i16x8 even = ((sw_i16x8)(a << 8) >> 8) * ((sw_i16x8)(b << 8) >> 8);
    return (sw_v128)((sw_u16x8)even + (sw_u16x8)(((sw_i16x8)a >> 8) * ((sw_i16x8)b >> 8)));
}
static inline sw_v128 sw_i32x4_relaxed_dot_i8x16_i7x16_add_s(sw_v128 x, sw_v128 y, sw_v128 z) {
    sw_v128 pairs = sw_i32x4_extadd_pairwise_i16x8_s(sw_i16x8_relaxed_dot_i8x16_i7x16_s(x, y));
    return sw_i32x4_add(pairs, z);
}
