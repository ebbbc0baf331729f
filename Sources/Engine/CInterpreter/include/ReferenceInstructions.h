// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the instruction lists of references, structures and arrays (core specification 3.0 §4.6.8 to §4.6.12).
#pragma once

// Columns as in Instructions.h: name, operand type, result type; X: cannot trap, T: may trap.
#define SW_REFERENCE_UNARIES(X, T)                                                                                    \
    X(ref_i31, I32, I64) T(i31_get_s, I64, I32) T(i31_get_u, I64, I32) T(array_len, I64, I32)                         \
    X(extern_convert_any, I64, I64)

// Suffix, type in memory, result type: get of a field or element.
#define SW_FIELD_GETS(X)                                                                                              \
    X(i8_s, int8_t, I32) X(i8_u, uint8_t, I32) X(i16_s, int16_t, I32) X(i16_u, uint16_t, I32) X(i32, uint32_t, I32)   \
    X(i64, uint64_t, I64) X(f32, float, F32) X(f64, double, F64) X(v128, sw_slot_v128, V128)

// Suffix, type in memory, operand type, what the collector must know of the value that is overwritten.
#define SW_FIELD_SETS(X)                                                                                              \
    X(i8, uint8_t, I32, nothing) X(i16, uint16_t, I32, nothing) X(i32, uint32_t, I32, nothing)                        \
    X(i64, uint64_t, I64, nothing) X(f32, float, F32, nothing) X(f64, double, F64, nothing)                           \
    X(v128, sw_slot_v128, V128, nothing) X(internal, uint64_t, I64, internal) X(external, uint64_t, I64, external)

// Heap types of tests and casts; `sw_test_function` is a concrete function type.
enum {
    sw_test_all,
    sw_test_none,
    sw_test_i31,
    sw_test_eq,
    sw_test_structure,
    sw_test_array,
    sw_test_function,
};

// How many handlers an instruction has.
enum {
    sw_variants_struct_get = 4,  // object (s, a) x result
    sw_variants_array_get = 6,  // (array, index) in (ss, as, sa) x result
    sw_variants_struct_set = 3,  // (object, value) in (ss, as, sa)
    sw_variants_array_set = 2,  // value in (s, a)
    sw_variants_ref_test = 4,  // operand (s, a) x result
    sw_variants_ref_cast = 2,  // operand (s, a)
};

#define SW_REFERENCE_SINGLES(X)                                                                                       \
    X(call_ref_s) X(call_ref_a) X(return_call_ref) X(ref_as_non_null_s) X(ref_as_non_null_a)                          \
    X(ref_test_s) X(ref_test_s_a) X(ref_test_a) X(ref_test_a_a)                                                       \
    X(ref_test_type_s) X(ref_test_type_s_a) X(ref_test_type_a) X(ref_test_type_a_a)                                   \
    X(ref_cast_s) X(ref_cast_a) X(ref_cast_type_s) X(ref_cast_type_a)                                                 \
    X(struct_new) X(struct_new_a) X(struct_new_default) X(struct_new_default_a)                                       \
    X(array_new) X(array_new_a) X(array_new_default) X(array_new_default_a) X(array_new_fixed) X(array_new_fixed_a)   \
    X(reference_slow)
