// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the lists of vector instructions; handlers, their numbers and the way from an opcode to them are expanded
// from these.
#pragma once

// Columns: name, number behind the prefix 0xFD; further ones as the list says.

#define SW_V_LANE_COMPARES(X, p, n)                                                                                   \
    X(p##_eq, n) X(p##_ne, n + 1) X(p##_lt_s, n + 2) X(p##_lt_u, n + 3) X(p##_gt_s, n + 4) X(p##_gt_u, n + 5)         \
    X(p##_le_s, n + 6) X(p##_le_u, n + 7) X(p##_ge_s, n + 8) X(p##_ge_u, n + 9)
#define SW_V_FLOAT_COMPARES(X, p, n)                                                                                  \
    X(p##_eq, n) X(p##_ne, n + 1) X(p##_lt, n + 2) X(p##_gt, n + 3) X(p##_le, n + 4) X(p##_ge, n + 5)
#define SW_V_FLOAT_BINARIES(X, p, n)                                                                                  \
    X(p##_add, n) X(p##_sub, n + 1) X(p##_mul, n + 2) X(p##_div, n + 3) X(p##_min, n + 4) X(p##_max, n + 5)           \
    X(p##_pmin, n + 6) X(p##_pmax, n + 7)
#define SW_V_PRODUCTS(X, p, q, n)                                                                                     \
    X(p##_extmul_low_##q##_s, n) X(p##_extmul_high_##q##_s, n + 1) X(p##_extmul_low_##q##_u, n + 2)                   \
    X(p##_extmul_high_##q##_u, n + 3)

#define SW_V_BINARIES(X)                                                                                              \
    X(i8x16_swizzle, 0x0E)                                                                                            \
    SW_V_LANE_COMPARES(X, i8x16, 0x23) SW_V_LANE_COMPARES(X, i16x8, 0x2D) SW_V_LANE_COMPARES(X, i32x4, 0x37)          \
    SW_V_FLOAT_COMPARES(X, f32x4, 0x41) SW_V_FLOAT_COMPARES(X, f64x2, 0x47)                                           \
    X(v128_and, 0x4E) X(v128_andnot, 0x4F) X(v128_or, 0x50) X(v128_xor, 0x51)                                         \
    X(i8x16_narrow_i16x8_s, 0x65) X(i8x16_narrow_i16x8_u, 0x66)                                                       \
    X(i8x16_add, 0x6E) X(i8x16_add_sat_s, 0x6F) X(i8x16_add_sat_u, 0x70) X(i8x16_sub, 0x71)                           \
    X(i8x16_sub_sat_s, 0x72) X(i8x16_sub_sat_u, 0x73) X(i8x16_min_s, 0x76) X(i8x16_min_u, 0x77)                       \
    X(i8x16_max_s, 0x78) X(i8x16_max_u, 0x79) X(i8x16_avgr_u, 0x7B)                                                   \
    X(i16x8_q15mulr_sat_s, 0x82) X(i16x8_narrow_i32x4_s, 0x85) X(i16x8_narrow_i32x4_u, 0x86)                          \
    X(i16x8_add, 0x8E) X(i16x8_add_sat_s, 0x8F) X(i16x8_add_sat_u, 0x90) X(i16x8_sub, 0x91)                           \
    X(i16x8_sub_sat_s, 0x92) X(i16x8_sub_sat_u, 0x93) X(i16x8_mul, 0x95) X(i16x8_min_s, 0x96)                         \
    X(i16x8_min_u, 0x97) X(i16x8_max_s, 0x98) X(i16x8_max_u, 0x99) X(i16x8_avgr_u, 0x9B)                              \
    SW_V_PRODUCTS(X, i16x8, i8x16, 0x9C)                                                                              \
    X(i32x4_add, 0xAE) X(i32x4_sub, 0xB1) X(i32x4_mul, 0xB5) X(i32x4_min_s, 0xB6) X(i32x4_min_u, 0xB7)                \
    X(i32x4_max_s, 0xB8) X(i32x4_max_u, 0xB9) X(i32x4_dot_i16x8_s, 0xBA)                                              \
    SW_V_PRODUCTS(X, i32x4, i16x8, 0xBC)                                                                              \
    X(i64x2_add, 0xCE) X(i64x2_sub, 0xD1) X(i64x2_mul, 0xD5) X(i64x2_eq, 0xD6) X(i64x2_ne, 0xD7)                      \
    X(i64x2_lt_s, 0xD8) X(i64x2_gt_s, 0xD9) X(i64x2_le_s, 0xDA) X(i64x2_ge_s, 0xDB)                                   \
    SW_V_PRODUCTS(X, i64x2, i32x4, 0xDC)                                                                              \
    SW_V_FLOAT_BINARIES(X, f32x4, 0xE4) SW_V_FLOAT_BINARIES(X, f64x2, 0xF0)                                           \
    X(i8x16_relaxed_swizzle, 0x100) X(f32x4_relaxed_min, 0x10D) X(f32x4_relaxed_max, 0x10E)                           \
    X(f64x2_relaxed_min, 0x10F) X(f64x2_relaxed_max, 0x110) X(i16x8_relaxed_q15mulr_s, 0x111)                         \
    X(i16x8_relaxed_dot_i8x16_i7x16_s, 0x112)

#define SW_V_EXTENSIONS(X, p, q, n)                                                                                   \
    X(p##_extend_low_##q##_s, n) X(p##_extend_high_##q##_s, n + 1) X(p##_extend_low_##q##_u, n + 2)                   \
    X(p##_extend_high_##q##_u, n + 3)
#define SW_V_UNARIES(X)                                                                                               \
    X(v128_not, 0x4D) X(f32x4_demote_f64x2_zero, 0x5E) X(f64x2_promote_low_f32x4, 0x5F)                               \
    X(i8x16_abs, 0x60) X(i8x16_neg, 0x61) X(i8x16_popcnt, 0x62)                                                       \
    X(f32x4_ceil, 0x67) X(f32x4_floor, 0x68) X(f32x4_trunc, 0x69) X(f32x4_nearest, 0x6A)                              \
    X(f64x2_ceil, 0x74) X(f64x2_floor, 0x75) X(f64x2_trunc, 0x7A) X(f64x2_nearest, 0x94)                              \
    X(i16x8_extadd_pairwise_i8x16_s, 0x7C) X(i16x8_extadd_pairwise_i8x16_u, 0x7D)                                     \
    X(i32x4_extadd_pairwise_i16x8_s, 0x7E) X(i32x4_extadd_pairwise_i16x8_u, 0x7F)                                     \
    X(i16x8_abs, 0x80) X(i16x8_neg, 0x81) SW_V_EXTENSIONS(X, i16x8, i8x16, 0x87)                                      \
    X(i32x4_abs, 0xA0) X(i32x4_neg, 0xA1) SW_V_EXTENSIONS(X, i32x4, i16x8, 0xA7)                                      \
    X(i64x2_abs, 0xC0) X(i64x2_neg, 0xC1) SW_V_EXTENSIONS(X, i64x2, i32x4, 0xC7)                                      \
    X(f32x4_abs, 0xE0) X(f32x4_neg, 0xE1) X(f32x4_sqrt, 0xE3)                                                         \
    X(f64x2_abs, 0xEC) X(f64x2_neg, 0xED) X(f64x2_sqrt, 0xEF)                                                         \
    X(i32x4_trunc_sat_f32x4_s, 0xF8) X(i32x4_trunc_sat_f32x4_u, 0xF9)                                                 \
    X(f32x4_convert_i32x4_s, 0xFA) X(f32x4_convert_i32x4_u, 0xFB)                                                     \
    X(i32x4_trunc_sat_f64x2_s_zero, 0xFC) X(i32x4_trunc_sat_f64x2_u_zero, 0xFD)                                       \
    X(f64x2_convert_low_i32x4_s, 0xFE) X(f64x2_convert_low_i32x4_u, 0xFF)                                             \
    X(i32x4_relaxed_trunc_f32x4_s, 0x101) X(i32x4_relaxed_trunc_f32x4_u, 0x102)                                       \
    X(i32x4_relaxed_trunc_f64x2_s_zero, 0x103) X(i32x4_relaxed_trunc_f64x2_u_zero, 0x104)

#define SW_V_TERNARIES(X)                                                                                             \
    X(v128_bitselect, 0x52)                                                                                           \
    X(f32x4_relaxed_madd, 0x105) X(f32x4_relaxed_nmadd, 0x106) X(f64x2_relaxed_madd, 0x107)                           \
    X(f64x2_relaxed_nmadd, 0x108) X(i8x16_relaxed_laneselect, 0x109) X(i16x8_relaxed_laneselect, 0x10A)               \
    X(i32x4_relaxed_laneselect, 0x10B) X(i64x2_relaxed_laneselect, 0x10C)                                             \
    X(i32x4_relaxed_dot_i8x16_i7x16_add_s, 0x113)

#define SW_V_SHIFTS(X)                                                                                                \
    X(i8x16_shl, 0x6B) X(i8x16_shr_s, 0x6C) X(i8x16_shr_u, 0x6D)                                                      \
    X(i16x8_shl, 0x8B) X(i16x8_shr_s, 0x8C) X(i16x8_shr_u, 0x8D)                                                      \
    X(i32x4_shl, 0xAB) X(i32x4_shr_s, 0xAC) X(i32x4_shr_u, 0xAD)                                                      \
    X(i64x2_shl, 0xCB) X(i64x2_shr_s, 0xCC) X(i64x2_shr_u, 0xCD)

#define SW_V_TESTS(X)                                                                                                 \
    X(v128_any_true, 0x53) X(i8x16_all_true, 0x63) X(i8x16_bitmask, 0x64) X(i16x8_all_true, 0x83)                     \
    X(i16x8_bitmask, 0x84) X(i32x4_all_true, 0xA3) X(i32x4_bitmask, 0xA4) X(i64x2_all_true, 0xC3)                     \
    X(i64x2_bitmask, 0xC4)

// Name, number, type of the scalar.
#define SW_V_SPLATS(X)                                                                                                \
    X(i8x16_splat, 0x0F, I32) X(i16x8_splat, 0x10, I32) X(i32x4_splat, 0x11, I32) X(i64x2_splat, 0x12, I64)           \
    X(f32x4_splat, 0x13, F32) X(f64x2_splat, 0x14, F64)
#define SW_V_REPLACES(X)                                                                                              \
    X(i8x16_replace_lane, 0x17, I32) X(i16x8_replace_lane, 0x1A, I32) X(i32x4_replace_lane, 0x1C, I32)                \
    X(i64x2_replace_lane, 0x1E, I64) X(f32x4_replace_lane, 0x20, F32) X(f64x2_replace_lane, 0x22, F64)
// Name, number, C type of the lane, type of the scalar.
#define SW_V_EXTRACTS(X)                                                                                              \
    X(i8x16_extract_lane_s, 0x15, int8_t, I32) X(i8x16_extract_lane_u, 0x16, uint8_t, I32)                            \
    X(i16x8_extract_lane_s, 0x18, int16_t, I32) X(i16x8_extract_lane_u, 0x19, uint16_t, I32)                          \
    X(i32x4_extract_lane, 0x1B, uint32_t, I32) X(i64x2_extract_lane, 0x1D, uint64_t, I64)                             \
    X(f32x4_extract_lane, 0x1F, float, F32) X(f64x2_extract_lane, 0x21, double, F64)

// Name, number, C type in memory, how that becomes a vector.
#define SW_V_LOADS(X)                                                                                                 \
    X(v128_load, 0x00, sw_v128, SW_WHOLE)                                                                             \
    X(v128_load8x8_s, 0x01, sw_i8x8, SW_WIDEN_S8) X(v128_load8x8_u, 0x02, sw_u8x8, SW_WIDEN_U8)                       \
    X(v128_load16x4_s, 0x03, sw_i16x4, SW_WIDEN_S16) X(v128_load16x4_u, 0x04, sw_u16x4, SW_WIDEN_U16)                 \
    X(v128_load32x2_s, 0x05, sw_i32x2, SW_WIDEN_S32) X(v128_load32x2_u, 0x06, sw_u32x2, SW_WIDEN_U32)                 \
    X(v128_load8_splat, 0x07, uint8_t, sw_i8x16_splat) X(v128_load16_splat, 0x08, uint16_t, sw_i16x8_splat)           \
    X(v128_load32_splat, 0x09, uint32_t, sw_i32x4_splat) X(v128_load64_splat, 0x0A, uint64_t, sw_i64x2_splat)         \
    X(v128_load32_zero, 0x5C, uint32_t, SW_LOW_LANE) X(v128_load64_zero, 0x5D, uint64_t, SW_LOW_LANE)

// Name, number, C type in memory, splat.
#define SW_V_LANE_LOADS(X)                                                                                            \
    X(v128_load8_lane, 0x54, uint8_t, sw_i8x16_replace_lane)                                                          \
    X(v128_load16_lane, 0x55, uint16_t, sw_i16x8_replace_lane)                                                        \
    X(v128_load32_lane, 0x56, uint32_t, sw_i32x4_replace_lane)                                                        \
    X(v128_load64_lane, 0x57, uint64_t, sw_i64x2_replace_lane)
#define SW_V_LANE_STORES(X)                                                                                           \
    X(v128_store8_lane, 0x58, uint8_t) X(v128_store16_lane, 0x59, uint16_t) X(v128_store32_lane, 0x5A, uint32_t)      \
    X(v128_store64_lane, 0x5B, uint64_t)

// How many handlers an instruction has, and in which order.
enum {
    sw_variants_vector_binary = 10,  // (ss, as, sa, si, ai) x result; i: a constant of 16 bytes
    sw_variants_vector_unary = 4,  // (s, a) x result; tests, splats and reading of lanes too
    sw_variants_vector_ternary = 6,  // (sss, ass, ssa) x result
    sw_variants_vector_shift = 10,  // (ss, as, sa, si, ai) x result
    sw_variants_vector_replace = 6,  // vector and scalar (ss, as, sa) x result
    sw_variants_vector_load = 10,  // address (s, a) x result, sum (s, a) x result, any memory x result
    sw_variants_vector_lane_load = 6,  // address (s, a) x result, any memory x result
    sw_variants_vector_lane_store = 3,  // address (s, a), any memory
};

// Handlers that stand alone, in the order of the table.
#define SW_V_SINGLES(X)                                                                                               \
    X(v128_store_ss) X(v128_store_as) X(v128_store_sa) X(v128_store_aa) X(v128_store_any)                             \
    X(shuffle_ss) X(shuffle_ss_a) X(shuffle_as) X(shuffle_as_a) X(shuffle_sa) X(shuffle_sa_a)                         \
    X(shuffle_one_s) X(shuffle_one_s_a) X(shuffle_one_a) X(shuffle_one_a_a)
