// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the numbers of all handlers.
#pragma once

#include "Instructions.h"
#include "ReferenceInstructions.h"
#include "VectorInstructions.h"

#define SW_NUMBERS10(name, T, R) SW_##name, SW_##name##_last = SW_##name + 9,
#define SW_NUMBERS6(name, T, R) SW_##name, SW_##name##_last = SW_##name + 5,
#define SW_NUMBERS4(name, T, R) SW_##name, SW_##name##_last = SW_##name + 3,
#define SW_NUMBERS5(name, T, R) SW_##name, SW_##name##_last = SW_##name + 4,
#define SW_SUM_NUMBERS4(name, T, R) SW_##name##_sum, SW_##name##_sum_last = SW_##name##_sum + 3,
#define SW_NUMBERS4_64(name, T, R) SW_##name##_64, SW_##name##_64_last = SW_##name##_64 + 3,
#define SW_NUMBERS2_64(name, T, R) SW_##name##_64, SW_##name##_64_last = SW_##name##_64 + 1,
#define SW_NUMBERS2_ANY(name, T, R) SW_##name##_any, SW_##name##_any_last = SW_##name##_any + 1,
#define SW_BRANCH_NUMBERS10(name, T, R) SW_br_##name, SW_br_##name##_last = SW_br_##name + 9,
#define SW_BRANCH_NUMBERS12(name, T, R) SW_br_##name, SW_br_##name##_last = SW_br_##name + 11,
#define SW_NUMBER(name) SW_##name,
#define SW_V_NUMBERS3(name, ...) SW_##name, SW_##name##_last = SW_##name + 2,
#define SW_V_NUMBERS4(name, ...) SW_##name, SW_##name##_last = SW_##name + 3,
#define SW_V_NUMBERS6(name, ...) SW_##name, SW_##name##_last = SW_##name + 5,
#define SW_V_NUMBERS10(name, ...) SW_##name, SW_##name##_last = SW_##name + 9,
#define SW_STRUCT_GET_NUMBERS4(name, M, R) SW_struct_get_##name, SW_struct_get_##name##_last = SW_struct_get_##name + 3,
#define SW_ARRAY_GET_NUMBERS6(name, M, R) SW_array_get_##name, SW_array_get_##name##_last = SW_array_get_##name + 5,
#define SW_STRUCT_SET_NUMBERS3(name, M, T, trace)                                                                     \
    SW_struct_set_##name, SW_struct_set_##name##_last = SW_struct_set_##name + 2,
#define SW_ARRAY_SET_NUMBERS2(name, M, T, trace)                                                                      \
    SW_array_set_##name, SW_array_set_##name##_last = SW_array_set_##name + 1,

enum {
    SW_INT_COMPARES(SW_NUMBERS10)
    SW_INT_COMPARES(SW_BRANCH_NUMBERS10)
    SW_FLOAT_COMPARES(SW_NUMBERS6)
    SW_FLOAT_COMPARES(SW_BRANCH_NUMBERS12)
    SW_INT_BINARIES(SW_NUMBERS10, SW_NUMBERS10)
    SW_FLOAT_BINARIES(SW_NUMBERS6)
    SW_INT_UNARIES(SW_NUMBERS4)
    SW_FLOAT_UNARIES(SW_NUMBERS4)
    SW_CONVERSIONS(SW_NUMBERS4, SW_NUMBERS4)
    SW_SATURATING(SW_NUMBERS4)
    SW_LOADS(SW_NUMBERS4)
    SW_LOADS(SW_SUM_NUMBERS4)
    SW_STORES(SW_NUMBERS5, SW_NUMBERS5)
    SW_LOADS(SW_NUMBERS4_64)
    SW_LOADS(SW_NUMBERS2_ANY)
    SW_STORES(SW_NUMBERS2_64, SW_NUMBERS2_64)
    SW_SINGLES(SW_NUMBER)
    SW_V_BINARIES(SW_V_NUMBERS10)
    SW_V_UNARIES(SW_V_NUMBERS4)
    SW_V_TERNARIES(SW_V_NUMBERS6)
    SW_V_SHIFTS(SW_V_NUMBERS10)
    SW_V_TESTS(SW_V_NUMBERS4)
    SW_V_SPLATS(SW_V_NUMBERS4)
    SW_V_REPLACES(SW_V_NUMBERS6)
    SW_V_EXTRACTS(SW_V_NUMBERS4)
    SW_V_LOADS(SW_V_NUMBERS10)
    SW_V_LANE_LOADS(SW_V_NUMBERS6)
    SW_V_LANE_STORES(SW_V_NUMBERS3)
    SW_V_SINGLES(SW_NUMBER)
    SW_REFERENCE_UNARIES(SW_NUMBERS4, SW_NUMBERS4)
    SW_FIELD_GETS(SW_STRUCT_GET_NUMBERS4)
    SW_FIELD_SETS(SW_STRUCT_SET_NUMBERS3)
    SW_FIELD_GETS(SW_ARRAY_GET_NUMBERS6)
    SW_FIELD_SETS(SW_ARRAY_SET_NUMBERS2)
    SW_REFERENCE_SINGLES(SW_NUMBER)
    SW_handler_count
};
