// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the vector handlers as part of the table, and the way from an opcode to them.
#pragma once

#include "VectorHandlers.h"

#define SW_V_ADDRESSES4(name, ...) SW_ADDRESSES4(name, , )
#define SW_V_ADDRESSES6(name, ...) SW_ADDRESSES6(name, , )
#define SW_V_ADDRESSES10(name, ...) SW_ADDRESSES10(name, , )
#define SW_V_ADDRESSES_LOAD(name, ...)                                                                                \
    SW_ADDRESSES4(name, , ) SW_ADDRESSES4(name##_sum, , ) sw_h_##name##_any, sw_h_##name##_any_a,
#define SW_V_ADDRESSES_LANE_LOAD(name, ...) SW_ADDRESSES4(name, , ) sw_h_##name##_any, sw_h_##name##_any_a,
#define SW_V_ADDRESSES_TERNARY(name, ...)                                                                             \
    sw_h_##name##_sss, sw_h_##name##_sss_a, sw_h_##name##_ass, sw_h_##name##_ass_a, sw_h_##name##_ssa,                \
        sw_h_##name##_ssa_a,
#define SW_V_ADDRESSES_LANE_STORE(name, ...) sw_h_##name##_s, sw_h_##name##_a, sw_h_##name##_any,

#define SW_VECTOR_ADDRESSES                                                                                           \
    SW_V_BINARIES(SW_V_ADDRESSES10)                                                                                   \
    SW_V_UNARIES(SW_V_ADDRESSES4)                                                                                     \
    SW_V_TERNARIES(SW_V_ADDRESSES_TERNARY)                                                                            \
    SW_V_SHIFTS(SW_V_ADDRESSES10)                                                                                     \
    SW_V_TESTS(SW_V_ADDRESSES4)                                                                                       \
    SW_V_SPLATS(SW_V_ADDRESSES4)                                                                                      \
    SW_V_REPLACES(SW_V_ADDRESSES6)                                                                                    \
    SW_V_EXTRACTS(SW_V_ADDRESSES4)                                                                                    \
    SW_V_LOADS(SW_V_ADDRESSES_LOAD)                                                                                   \
    SW_V_LANE_LOADS(SW_V_ADDRESSES_LANE_LOAD)                                                                                  \
    SW_V_LANE_STORES(SW_V_ADDRESSES_LANE_STORE)                                                                       \
    SW_V_SINGLES(SW_ADDRESS)

#define SW_V_BASE(name, number, ...) [number] = SW_##name,
static const int16_t sw_vector_handlers[0x114] = {
    SW_V_BINARIES(SW_V_BASE)
    SW_V_UNARIES(SW_V_BASE)
    SW_V_TERNARIES(SW_V_BASE)
    SW_V_SHIFTS(SW_V_BASE)
    SW_V_TESTS(SW_V_BASE)
    SW_V_SPLATS(SW_V_BASE)
    SW_V_REPLACES(SW_V_BASE)
    SW_V_EXTRACTS(SW_V_BASE)
    SW_V_LOADS(SW_V_BASE)
    SW_V_LANE_LOADS(SW_V_BASE)
    SW_V_LANE_STORES(SW_V_BASE)
};
_Static_assert(SW_handler_count < INT16_MAX, "handler numbers have 15 bits");
