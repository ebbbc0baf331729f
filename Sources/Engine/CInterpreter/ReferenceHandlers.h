// SPDX-License-Identifier: Apache-2.0
// Swiftlet: handlers of typed function references, tests and casts, structures and arrays.
#pragma once

#include "ControlHandlers.h"
#include "NumericHandlers.h"
#include "TailCallHandlers.h"

enum {
    sw_null_structure = 22,
    sw_null_array = 23,
    sw_null_i31 = 24,
};
SW_DEFINE_TRAP(null_reference, 20)
SW_DEFINE_TRAP(null_function, 21)
SW_DEFINE_TRAP(null_structure, sw_null_structure)
SW_DEFINE_TRAP(null_array, sw_null_array)
SW_DEFINE_TRAP(cast_failure, 25)
SW_DEFINE_TRAP(out_of_bounds_array, 26)
SW_DEFINE_TRAP(out_of_memory, 27)

// Calls: function slot at 8, frame at 10; the instruction is as long as an indirect call.
#define SW_CALL_REF(name, value)                                                                                      \
    SW_HANDLER(name) {                                                                                                \
        const sw_function *function = (const sw_function *)(uintptr_t)(value);                                        \
        if (SW_UNLIKELY(!function)) SW_GO(trap_null_function);                                                        \
        if (SW_UNLIKELY(function->context != cx)) {                                                                   \
            ai = (uint64_t)(uintptr_t)function;                                                                       \
            SW_GO(call_indirect_elsewhere);                                                                           \
        }                                                                                                             \
        uint64_t *frame = sp + SW_U16(10);                                                                            \
        SW_CHECK_STACK(frame, function)                                                                               \
        SW_PUSH_FRAME(frame, function->header, 24)                                                                    \
        sp = frame;                                                                                                   \
        pc = function->code;                                                                                          \
        SW_DISPATCH();                                                                                                \
    }
SW_CALL_REF(call_ref_s, SW_SLOT_I64(SW_U16(8)))
SW_CALL_REF(call_ref_a, ai)

// Header of this function at 8, arguments at 10, function slot at 12.
SW_HANDLER(return_call_ref) {
    const sw_function *function = (const sw_function *)(uintptr_t)SW_SLOT_I64(SW_U16(12));
    if (SW_UNLIKELY(!function)) SW_GO(trap_null_function);
    if (SW_UNLIKELY(function->context != cx)) {
        ai = (uint64_t)(uintptr_t)function;
        SW_GO(return_call_elsewhere);
    }
    SW_TAIL_CALL(function)
}

// Checks whose operand (slot at 10) stays where it is.
#define SW_REFERENCE_CHECK(name, holds, trap, byte_count)                                                             \
    SW_HANDLER(name) {                                                                                                \
        if (SW_UNLIKELY(!(holds))) SW_GO(trap);                                                                       \
        SW_NEXT(byte_count);                                                                                          \
    }
SW_REFERENCE_CHECK(ref_as_non_null_s, SW_SLOT_I64(SW_U16(10)) != 0, trap_null_reference, 16)
SW_REFERENCE_CHECK(ref_as_non_null_a, ai != 0, trap_null_reference, 16)

// Tests and casts: result slot at 8, operand slot at 10, heap type (`sw_test_...`) at 12, whether null passes at 14, the
// target's descriptor at 16.
static inline const sw_object *sw_object_of(uint64_t reference) { return (const sw_object *)(uintptr_t)reference; }

static inline bool sw_passes(uint64_t value, uint16_t heap, uint16_t nullable, const sw_type *target) {
    if (value == 0) return nullable;
    switch (heap) {
    case sw_test_all: return true;
    case sw_test_none: return false;
    case sw_test_i31: return value & 1;
    case sw_test_eq: return value & 1 || sw_object_of(value)->type->kind <= sw_kind_array;
    case sw_test_structure: return !(value & 1) && sw_object_of(value)->type->kind == sw_kind_structure;
    case sw_test_array: return !(value & 1) && sw_object_of(value)->type->kind == sw_kind_array;
    default: return sw_type_matches(((const sw_function *)(uintptr_t)value)->definition, target);
    }
}
/// A structure or array type, the case that matters: a load, a compare, and for a subtype three more loads.
static inline bool sw_passes_type(uint64_t value, uint16_t nullable, const sw_type *target) {
    if (value == 0) return nullable;
    return !(value & 1) && sw_type_matches(sw_object_of(value)->type, target);
}

#define SW_TEST_END_slot                                                                                              \
    sp[SW_U16(8)] = ai;                                                                                               \
    SW_NEXT(24);
#define SW_TEST_END_acc SW_NEXT(24);
#define SW_REF_TEST(suffix, value, to)                                                                                \
    SW_HANDLER(ref_test_##suffix) {                                                                                   \
        ai = sw_passes(value, SW_U16(12), SW_U16(14), SW_POINTER(const sw_type, 16));                                 \
        SW_TEST_END_##to                                                                                              \
    }                                                                                                                 \
    SW_HANDLER(ref_test_type_##suffix) {                                                                              \
        ai = sw_passes_type(value, SW_U16(14), SW_POINTER(const sw_type, 16));                                        \
        SW_TEST_END_##to                                                                                              \
    }
SW_REF_TEST(s, SW_SLOT_I64(SW_U16(10)), slot)
SW_REF_TEST(s_a, SW_SLOT_I64(SW_U16(10)), acc)
SW_REF_TEST(a, ai, slot)
SW_REF_TEST(a_a, ai, acc)

#define SW_REF_CAST(suffix, value)                                                                                    \
    SW_REFERENCE_CHECK(                                                                                               \
        ref_cast_##suffix, sw_passes(value, SW_U16(12), SW_U16(14), SW_POINTER(const sw_type, 16)),                   \
        trap_cast_failure, 24)                                                                                        \
    SW_REFERENCE_CHECK(                                                                                               \
        ref_cast_type_##suffix, sw_passes_type(value, SW_U16(14), SW_POINTER(const sw_type, 16)),                     \
        trap_cast_failure, 24)
SW_REF_CAST(s, SW_SLOT_I64(SW_U16(10)))
SW_REF_CAST(a, ai)

// i31 and conversions.
static inline uint64_t sw_ref_i31(uint32_t a) { return (uint64_t)(a & 0x7FFFFFFF) << 1 | 1; }
static inline uint32_t sw_i31_get_s_trap(uint64_t a) { return a == 0 ? sw_null_i31 : 0; }
static inline uint32_t sw_i31_get_u_trap(uint64_t a) { return a == 0 ? sw_null_i31 : 0; }
static inline uint32_t sw_i31_get_s(uint64_t a) { return (uint32_t)((int32_t)(uint32_t)a >> 1); }
static inline uint32_t sw_i31_get_u(uint64_t a) { return (uint32_t)a >> 1; }
static inline uint32_t sw_array_len_trap(uint64_t a) { return a == 0 ? sw_null_array : 0; }
static inline uint32_t sw_array_len(uint64_t a) { return sw_object_of(a)->length; }
static inline uint64_t sw_extern_convert_any(uint64_t a) { return sw_externalize(a); }
SW_REFERENCE_UNARIES(SW_DEFINE_UNARY, SW_DEFINE_TRAPPING_UNARY)

// Fields: get: result slot at 8, object slot at 10, offset at 12. set: object at 8, value at 10, offset at 12.
#define SW_STRUCT_GET(name, M, R, suffix, object, to)                                                                 \
    SW_HANDLER(struct_get_##name##_##suffix) {                                                                        \
        uint64_t reference = (object);                                                                                \
        if (SW_UNLIKELY(!reference)) SW_GO(trap_null_structure);                                                      \
        M value;                                                                                                      \
        __builtin_memcpy(&value, (const uint8_t *)(uintptr_t)reference + SW_U32(12), sizeof(M));                      \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_STRUCT_GET(name, M, R)                                                                              \
    SW_STRUCT_GET(name, M, R, s, SW_SLOT_I64(SW_U16(10)), slot)                                                       \
    SW_STRUCT_GET(name, M, R, s_a, SW_SLOT_I64(SW_U16(10)), acc)                                                      \
    SW_STRUCT_GET(name, M, R, a, ai, slot)                                                                            \
    SW_STRUCT_GET(name, M, R, a_a, ai, acc)
SW_FIELD_GETS(SW_DEFINE_STRUCT_GET)

#define SW_REPORT_nothing(place)
#define SW_REPORT_internal(place)                                                                                     \
    if (SW_UNLIKELY(cx->machine->heap->is_marking)) sw_shade_internal(cx->machine->heap, *(const sw_u64 *)(place));
#define SW_REPORT_external(place)                                                                                     \
    if (SW_UNLIKELY(cx->machine->heap->is_marking)) sw_shade_external(cx->machine->heap, *(const sw_u64 *)(place));
#define SW_STRUCT_SET(name, M, trace, suffix, object, operand)                                                        \
    SW_HANDLER(struct_set_##name##_##suffix) {                                                                        \
        uint64_t reference = (object);                                                                                \
        if (SW_UNLIKELY(!reference)) SW_GO(trap_null_structure);                                                      \
        uint8_t *place = (uint8_t *)(uintptr_t)reference + SW_U32(12);                                                \
        M value = (M)(operand);                                                                                       \
        SW_REPORT_##trace(place)                                                                                      \
        __builtin_memcpy(place, &value, sizeof(M));                                                                   \
        SW_NEXT(16);                                                                                                  \
    }
#define SW_DEFINE_STRUCT_SET(name, M, T, trace)                                                                       \
    SW_STRUCT_SET(name, M, trace, ss, SW_SLOT_I64(SW_U16(8)), SW_SLOT_##T(SW_U16(10)))                                \
    SW_STRUCT_SET(name, M, trace, as, ai, SW_SLOT_##T(SW_U16(10)))                                                    \
    SW_STRUCT_SET(name, M, trace, sa, SW_SLOT_I64(SW_U16(8)), SW_ACC_##T)
SW_FIELD_SETS(SW_DEFINE_STRUCT_SET)

// Elements: get: result slot at 8, array slot at 10, index slot at 12. set: array at 8, index at 10, value at 12.
#define SW_ARRAY_PLACE(M, array, index)                                                                               \
    uint64_t reference = (array);                                                                                     \
    uint32_t element = (index);                                                                                       \
    if (SW_UNLIKELY(!reference)) SW_GO(trap_null_array);                                                              \
    if (SW_UNLIKELY(element >= sw_object_of(reference)->length)) SW_GO(trap_out_of_bounds_array);                     \
    uint8_t *place = (uint8_t *)(uintptr_t)reference + sw_object_header + (uint64_t)element * sizeof(M);
#define SW_ARRAY_GET(name, M, R, suffix, array, index, to)                                                            \
    SW_HANDLER(array_get_##name##_##suffix) {                                                                         \
        SW_ARRAY_PLACE(M, array, index)                                                                               \
        M value;                                                                                                      \
        __builtin_memcpy(&value, place, sizeof(M));                                                                   \
        SW_KEEP_##R((SW_C_##R)value);                                                                                 \
        SW_FINISH_##to(R)                                                                                             \
    }
#define SW_DEFINE_ARRAY_GET(name, M, R)                                                                               \
    SW_ARRAY_GET(name, M, R, ss, SW_SLOT_I64(SW_U16(10)), SW_SLOT_I32(SW_U16(12)), slot)                              \
    SW_ARRAY_GET(name, M, R, ss_a, SW_SLOT_I64(SW_U16(10)), SW_SLOT_I32(SW_U16(12)), acc)                             \
    SW_ARRAY_GET(name, M, R, as, ai, SW_SLOT_I32(SW_U16(12)), slot)                                                   \
    SW_ARRAY_GET(name, M, R, as_a, ai, SW_SLOT_I32(SW_U16(12)), acc)                                                  \
    SW_ARRAY_GET(name, M, R, sa, SW_SLOT_I64(SW_U16(10)), SW_ACC_I32, slot)                                           \
    SW_ARRAY_GET(name, M, R, sa_a, SW_SLOT_I64(SW_U16(10)), SW_ACC_I32, acc)
SW_FIELD_GETS(SW_DEFINE_ARRAY_GET)

#define SW_ARRAY_SET(name, M, trace, suffix, operand)                                                                 \
    SW_HANDLER(array_set_##name##_##suffix) {                                                                         \
        SW_ARRAY_PLACE(M, SW_SLOT_I64(SW_U16(8)), SW_SLOT_I32(SW_U16(10)))                                            \
        M value = (M)(operand);                                                                                       \
        SW_REPORT_##trace(place)                                                                                      \
        __builtin_memcpy(place, &value, sizeof(M));                                                                   \
        SW_NEXT(16);                                                                                                  \
    }
#define SW_DEFINE_ARRAY_SET(name, M, T, trace)                                                                        \
    SW_ARRAY_SET(name, M, trace, s, SW_SLOT_##T(SW_U16(12)))                                                          \
    SW_ARRAY_SET(name, M, trace, a, SW_ACC_##T)
SW_FIELD_SETS(SW_DEFINE_ARRAY_SET)

// New objects: result slot at 8, operands at 10 and 12, end of the values in use at 14, type at 16.
static inline sw_object *sw_new(sw_context *cx, const sw_type *type, uint32_t size_class, uint32_t length, uint64_t *top) {
    sw_heap *heap = cx->machine->heap;
    if (size_class != sw_size_class_large) {
        sw_object *object = heap->free[size_class];
        if (__builtin_expect(object != NULL, 1)) {
            heap->free[size_class] = ((sw_object **)object)[1];
            object->type = type;
            object->length = length;
            object->mark = heap->new_mark;
            return object;
        }
    }
    return sw_allocate(cx, type, length, top);
}
static inline sw_object *sw_new_array(sw_context *cx, const sw_type *type, uint32_t length, uint64_t *top) {
    uint64_t bytes = sw_object_header + ((uint64_t)length << type->element_log2);
    uint32_t size_class = sw_size_class_large;
    if (bytes <= sw_small_bytes) size_class = cx->machine->heap->size_class[(bytes + 15) / 16];
    return sw_new(cx, type, size_class, length, top);
}

/// Writes a value from slots into a field or element of 1 << `log2` bytes.
static inline void sw_put(uint8_t *place, uint32_t log2, const uint64_t *slot) {
    switch (log2) {
    case 0: *place = (uint8_t)*slot; break;
    case 1: *(sw_u16 *)place = (uint16_t)*slot; break;
    case 2: *(sw_u32 *)place = (uint32_t)*slot; break;
    case 3: *(sw_u64 *)place = *slot; break;
    default: *(sw_slot_v128 *)place = *(const sw_slot_v128 *)slot; break;
    }
}
static inline void sw_clear(uint8_t *place, uint64_t bytes) {
    // Objects have a multiple of 16 bytes.
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint64_t i = 0; i < bytes; i += 8) *(sw_u64 *)(place + i) = 0;
}

#define SW_NEW_END_slot                                                                                               \
    sp[SW_U16(8)] = ai;                                                                                               \
    SW_NEXT(24);
#define SW_NEW_END_acc SW_NEXT(24);
#define SW_NEW(name, to, allocation, initialization)                                                                  \
    SW_HANDLER(name) {                                                                                                \
        const sw_type *type = SW_POINTER(const sw_type, 16);                                                          \
        sw_object *object = (allocation);                                                                             \
        if (SW_UNLIKELY(!object)) SW_GO(trap_out_of_memory);                                                          \
        uint8_t *contents = (uint8_t *)object;                                                                        \
        initialization;                                                                                               \
        ai = (uint64_t)(uintptr_t)object;                                                                             \
        SW_NEW_END_##to                                                                                               \
    }
#define SW_NEW2(name, allocation, initialization)                                                                     \
    SW_NEW(name, slot, allocation, initialization)                                                                    \
    SW_NEW(name##_a, acc, allocation, initialization)

// Values of the fields from slot 10 on.
static inline void sw_put_fields(uint8_t *contents, const sw_type *type, const uint64_t *slot) {
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t i = 0; i < type->field_count; i++) {
        sw_put(contents + type->fields[i].offset, type->fields[i].log2, slot);
        slot += type->fields[i].log2 == 4 ? 2 : 1;
    }
}
SW_NEW2(struct_new, sw_new(cx, type, type->size_class, 0, sp + SW_U16(14)),
    sw_put_fields(contents, type, sp + SW_U16(10)))
SW_NEW2(struct_new_default, sw_new(cx, type, type->size_class, 0, sp + SW_U16(14)),
    sw_clear(contents + sw_object_header, type->byte_count - sw_object_header))

// Value of the elements at 10, their number at 12.
static inline void sw_put_elements(uint8_t *contents, const sw_type *type, const uint64_t *slot, uint32_t count) {
    uint8_t *place = contents + sw_object_header;
    uint64_t step = UINT64_C(1) << type->element_log2;
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t i = 0; i < count; i++, place += step) sw_put(place, type->element_log2, slot);
}
SW_NEW2(array_new, sw_new_array(cx, type, SW_SLOT_I32(SW_U16(12)), sp + SW_U16(14)),
    sw_put_elements(contents, type, sp + SW_U16(10), object->length))
SW_NEW2(array_new_default, sw_new_array(cx, type, SW_SLOT_I32(SW_U16(12)), sp + SW_U16(14)),
    sw_clear(contents + sw_object_header, (uint64_t)object->length << type->element_log2))
// Values of the elements from slot 10 on, their number at 12.
static inline void sw_put_fixed(uint8_t *contents, const sw_type *type, const uint64_t *slot, uint32_t count) {
    uint8_t *place = contents + sw_object_header;
    uint32_t slots = type->element_log2 == 4 ? 2 : 1;
#pragma clang loop vectorize(disable) unroll(disable)
    for (uint32_t i = 0; i < count; i++, slot += slots) {
        sw_put(place, type->element_log2, slot);
        place += UINT64_C(1) << type->element_log2;
    }
}
SW_NEW2(array_new_fixed, sw_new_array(cx, type, SW_U16(12), sp + SW_U16(14)),
    sw_put_fixed(contents, type, sp + SW_U16(10), object->length))

/// Everything rare, in Swift: opcode at 8, first operand and result at 10, number of operands at 12, end of the values
/// in use at 14, two indices at 16 and 20.
SW_HANDLER(reference_slow) {
    uint32_t trap = sw_reference_operation(cx, sp, pc);
    if (SW_UNLIKELY(trap)) {
        cx->machine->trap_reason = trap;
        SW_GO(stop);
    }
    SW_NEXT(24);
}
