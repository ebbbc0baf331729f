// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the instruction lists of the interpreter; everything else is expanded from these.
#pragma once

// The order inside a list is the order of the opcodes in the binary format, so that the translator computes a handler
// number from an opcode. Columns: name, operand type, result type.

#define SW_INT_COMPARES(X)                                                                                            \
    X(i32_eq, I32, I32) X(i32_ne, I32, I32) X(i32_lt_s, I32, I32) X(i32_lt_u, I32, I32) X(i32_gt_s, I32, I32)         \
    X(i32_gt_u, I32, I32) X(i32_le_s, I32, I32) X(i32_le_u, I32, I32) X(i32_ge_s, I32, I32) X(i32_ge_u, I32, I32)     \
    X(i64_eq, I64, I32) X(i64_ne, I64, I32) X(i64_lt_s, I64, I32) X(i64_lt_u, I64, I32) X(i64_gt_s, I64, I32)         \
    X(i64_gt_u, I64, I32) X(i64_le_s, I64, I32) X(i64_le_u, I64, I32) X(i64_ge_s, I64, I32) X(i64_ge_u, I64, I32)

#define SW_FLOAT_COMPARES(X)                                                                                          \
    X(f32_eq, F32, I32) X(f32_ne, F32, I32) X(f32_lt, F32, I32) X(f32_gt, F32, I32) X(f32_le, F32, I32)               \
    X(f32_ge, F32, I32) X(f64_eq, F64, I32) X(f64_ne, F64, I32) X(f64_lt, F64, I32) X(f64_gt, F64, I32)               \
    X(f64_le, F64, I32) X(f64_ge, F64, I32)

// X: cannot trap, T: may trap.
#define SW_INT_BINARIES(X, T)                                                                                         \
    X(i32_add, I32, I32) X(i32_sub, I32, I32) X(i32_mul, I32, I32) T(i32_div_s, I32, I32) T(i32_div_u, I32, I32)      \
    T(i32_rem_s, I32, I32) T(i32_rem_u, I32, I32) X(i32_and, I32, I32) X(i32_or, I32, I32) X(i32_xor, I32, I32)       \
    X(i32_shl, I32, I32) X(i32_shr_s, I32, I32) X(i32_shr_u, I32, I32) X(i32_rotl, I32, I32) X(i32_rotr, I32, I32)    \
    X(i64_add, I64, I64) X(i64_sub, I64, I64) X(i64_mul, I64, I64) T(i64_div_s, I64, I64) T(i64_div_u, I64, I64)      \
    T(i64_rem_s, I64, I64) T(i64_rem_u, I64, I64) X(i64_and, I64, I64) X(i64_or, I64, I64) X(i64_xor, I64, I64)       \
    X(i64_shl, I64, I64) X(i64_shr_s, I64, I64) X(i64_shr_u, I64, I64) X(i64_rotl, I64, I64) X(i64_rotr, I64, I64)

#define SW_FLOAT_BINARIES(X)                                                                                          \
    X(f32_add, F32, F32) X(f32_sub, F32, F32) X(f32_mul, F32, F32) X(f32_div, F32, F32) X(f32_min, F32, F32)          \
    X(f32_max, F32, F32) X(f32_copysign, F32, F32)                                                                    \
    X(f64_add, F64, F64) X(f64_sub, F64, F64) X(f64_mul, F64, F64) X(f64_div, F64, F64) X(f64_min, F64, F64)          \
    X(f64_max, F64, F64) X(f64_copysign, F64, F64)

#define SW_INT_UNARIES(X)                                                                                             \
    X(i32_clz, I32, I32) X(i32_ctz, I32, I32) X(i32_popcnt, I32, I32)                                                 \
    X(i64_clz, I64, I64) X(i64_ctz, I64, I64) X(i64_popcnt, I64, I64)

#define SW_FLOAT_UNARIES(X)                                                                                           \
    X(f32_abs, F32, F32) X(f32_neg, F32, F32) X(f32_ceil, F32, F32) X(f32_floor, F32, F32) X(f32_trunc, F32, F32)     \
    X(f32_nearest, F32, F32) X(f32_sqrt, F32, F32)                                                                    \
    X(f64_abs, F64, F64) X(f64_neg, F64, F64) X(f64_ceil, F64, F64) X(f64_floor, F64, F64) X(f64_trunc, F64, F64)     \
    X(f64_nearest, F64, F64) X(f64_sqrt, F64, F64)

// Opcodes 0xA7 ... 0xC4.
#define SW_CONVERSIONS(X, T)                                                                                          \
    X(i32_wrap_i64, I64, I32) T(i32_trunc_f32_s, F32, I32) T(i32_trunc_f32_u, F32, I32) T(i32_trunc_f64_s, F64, I32)  \
    T(i32_trunc_f64_u, F64, I32) X(i64_extend_i32_s, I32, I64) X(i64_extend_i32_u, I32, I64)                          \
    T(i64_trunc_f32_s, F32, I64) T(i64_trunc_f32_u, F32, I64) T(i64_trunc_f64_s, F64, I64)                            \
    T(i64_trunc_f64_u, F64, I64) X(f32_convert_i32_s, I32, F32) X(f32_convert_i32_u, I32, F32)                        \
    X(f32_convert_i64_s, I64, F32) X(f32_convert_i64_u, I64, F32) X(f32_demote_f64, F64, F32)                         \
    X(f64_convert_i32_s, I32, F64) X(f64_convert_i32_u, I32, F64) X(f64_convert_i64_s, I64, F64)                      \
    X(f64_convert_i64_u, I64, F64) X(f64_promote_f32, F32, F64) X(i32_reinterpret_f32, F32, I32)                      \
    X(i64_reinterpret_f64, F64, I64) X(f32_reinterpret_i32, I32, F32) X(f64_reinterpret_i64, I64, F64)                \
    X(i32_extend8_s, I32, I32) X(i32_extend16_s, I32, I32) X(i64_extend8_s, I64, I64) X(i64_extend16_s, I64, I64)     \
    X(i64_extend32_s, I64, I64)

// Opcodes 0xFC 0 ... 7.
#define SW_SATURATING(X)                                                                                              \
    X(i32_trunc_sat_f32_s, F32, I32) X(i32_trunc_sat_f32_u, F32, I32) X(i32_trunc_sat_f64_s, F64, I32)                \
    X(i32_trunc_sat_f64_u, F64, I32) X(i64_trunc_sat_f32_s, F32, I64) X(i64_trunc_sat_f32_u, F32, I64)                \
    X(i64_trunc_sat_f64_s, F64, I64) X(i64_trunc_sat_f64_u, F64, I64)

// Opcodes 0x28 ... 0x35: name, type in memory, result type.
#define SW_LOADS(X)                                                                                                   \
    X(i32_load, uint32_t, I32) X(i64_load, uint64_t, I64) X(f32_load, float, F32) X(f64_load, double, F64)            \
    X(i32_load8_s, int8_t, I32) X(i32_load8_u, uint8_t, I32) X(i32_load16_s, int16_t, I32)                            \
    X(i32_load16_u, uint16_t, I32) X(i64_load8_s, int8_t, I64) X(i64_load8_u, uint8_t, I64)                           \
    X(i64_load16_s, int16_t, I64) X(i64_load16_u, uint16_t, I64) X(i64_load32_s, int32_t, I64)                        \
    X(i64_load32_u, uint32_t, I64)

// Opcodes 0x36 ... 0x3E: name, type in memory, operand type; X: integer, F: float.
#define SW_STORES(X, F)                                                                                               \
    X(i32_store, uint32_t, I32) X(i64_store, uint64_t, I64) F(f32_store, float, F32) F(f64_store, double, F64)        \
    X(i32_store8, uint8_t, I32) X(i32_store16, uint16_t, I32) X(i64_store8, uint8_t, I64)                             \
    X(i64_store16, uint16_t, I64) X(i64_store32, uint32_t, I64)

// How many handlers an instruction has. A producer's handlers come in pairs: result to slot and accumulator, result to
// the accumulator only.
enum {
    sw_variants_int_binary = 10,  // (ss, as, sa, si, ai) x result
    sw_variants_float_binary = 6,  // (ss, as, sa) x result
    sw_variants_unary = 4,  // (s, a) x result
    sw_variants_load = 4,  // address (s, a) x result
    sw_variants_store = 5,  // integer: ss, as, sa, si, ai; float: ss, as, sa, aa
    sw_variants_int_branch = 10,  // (ss, as, sa, si, ai) x (forward, back)
    sw_variants_float_branch = 12,  // (ss, as, sa) x (if, unless) x (forward, back)
};

// Handlers that stand alone, in the order of the table.
#define SW_SINGLES(X)                                                                                                 \
    X(mov_I) X(mov_I_a) X(mov_F) X(mov_F_a) X(mov_D) X(mov_D_a) X(mov_V) X(mov_V_a)                                   \
    X(mov2) X(mov3) X(copy_slots)                                                                                     \
    X(const32_I) X(const32_I_a) X(const64_I) X(const64_I_a) X(const32_F) X(const32_F_a) X(const64_D) X(const64_D_a)   \
    X(const128_V) X(const128_V_a)                                                                                     \
    X(select_I_s) X(select_I_s_a) X(select_I_a) X(select_I_a_a)                                                       \
    X(select_F_s) X(select_F_s_a) X(select_F_a) X(select_F_a_a)                                                       \
    X(select_D_s) X(select_D_s_a) X(select_D_a) X(select_D_a_a)                                                       \
    X(select_V_s) X(select_V_s_a) X(select_V_a) X(select_V_a_a)                                                       \
    X(global_get_I) X(global_get_I_a) X(global_get_F) X(global_get_F_a) X(global_get_D) X(global_get_D_a)             \
    X(global_get_V) X(global_get_V_a)                                                                                 \
    X(global_set_I) X(global_set_I_a) X(global_set_F) X(global_set_F_a) X(global_set_D) X(global_set_D_a)             \
    X(global_set_V) X(global_set_V_a)                                                                                 \
    X(br) X(br_back) X(br_if_s) X(br_if_s_back) X(br_if_a) X(br_if_a_back)                                            \
    X(br_unless_s) X(br_unless_s_back) X(br_unless_a) X(br_unless_a_back) X(br_table_s) X(br_table_a)                 \
    X(enter_locals) X(call) X(call_cross) X(call_indirect_s) X(call_indirect_a) X(call_indirect_64)                   \
    X(return_call) X(return_call_cross) X(return_call_indirect)                                                       \
    X(return0) X(return_I_s) X(return_I_a) X(return_F_s) X(return_F_a) X(return_D_s) X(return_D_a)                    \
    X(return_V_s) X(return_V_a) X(returnN)                                                                            \
    X(store8_any) X(store16_any) X(store32_any) X(store64_any)                                                        \
    X(throw) X(throw_ref) X(memory_fill) X(memory_copy) X(atomic) X(atomic_fence)                                     \
    X(memory_size) X(memory_size_a) X(slow) X(unreachable) X(translate_entry) X(host_entry) X(exit) X(cross_return)   \
    X(native_entry) X(fuel)
