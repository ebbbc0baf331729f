// SPDX-License-Identifier: Apache-2.0
// Swiftlet: types and objects of the garbage-collected heap as handlers and the collector see them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// What a type describes, and what kind of object stands at a reference.
enum {
    sw_kind_function,
    sw_kind_structure,
    sw_kind_array,
    /// A host reference that was converted with any.convert_extern: 64 bits of the host.
    sw_kind_box,
    /// Slots of 64 bits for the engine's own use (exceptions).
    sw_kind_record,
};

/// Where a field stands in an object.
typedef struct sw_field {
    /// Bytes from the object's start.
    uint32_t offset;
    /// Binary logarithm of its bytes.
    uint8_t log2;
    bool is_reference;
} sw_field;

/// A type of the store (core specification 3.0 §4.2 "deftype"), equal types being one object.
typedef struct sw_type {
    /// The store's number for it.
    uint32_t number;
    /// How many declared supertypes it has; `display[n]` is the one of depth n, `display[depth]` the type itself.
    uint32_t depth;
    uint8_t kind;
    /// Of an array: binary logarithm of an element's bytes, and whether elements are references: `sw_traces_...`.
    uint8_t element_log2;
    uint8_t element_trace;
    /// Of a structure: its size class, `sw_size_class_large` when it has none.
    uint8_t size_class;
    /// Of a structure: bytes of an object with its header.
    uint32_t byte_count;
    uint32_t field_count;
    /// Fields that the collector follows: offset, with the highest bit set for external references.
    uint32_t reference_count;
    const sw_field *fields;
    const uint32_t *references;
    const struct sw_type *const *display;
    /// Of a function: the way from slots to native code of this type (`sw_native_thunk`), once there is any.
    const void *thunk;
} sw_type;

enum { sw_traces_nothing, sw_traces_internal, sw_traces_external };

/// The header of an object; its fields or elements follow. A cell that is free has no type.
///
/// A reference is the address of its object, 0 is null, an odd number is an i31 (value times two plus one). Converted to
/// an external reference it has the highest bit set; other external references are the host's numbers.
typedef struct sw_object {
    const sw_type *type;
    /// Elements of an array.
    uint32_t length;
    /// The collector's: 0 = not reached; else reached, and the next object to look at.
    uint32_t mark;
} sw_object;

enum {
    sw_object_header = 16,
    /// An external reference with this bit set is a converted internal one.
    sw_external_shift = 63,
    /// Objects of up to `sw_small_bytes` come from cells of these many sizes.
    sw_size_class_count = 23,
    sw_size_class_large = 255,
    sw_small_bytes = 2048,
};
#define SW_EXTERNAL_BIT (UINT64_C(1) << sw_external_shift)

/// extern.convert_any: an internal reference gets the bit, a boxed one becomes the host's again.
static inline uint64_t sw_externalize(uint64_t reference) {
    if (reference == 0) return 0;
    const sw_object *object = (const sw_object *)(uintptr_t)reference;
    if (!(reference & 1) && object->type->kind == sw_kind_box) {
        uint64_t value;
        __builtin_memcpy(&value, object + 1, sizeof value);
        return value;
    }
    return reference | SW_EXTERNAL_BIT;
}

/// The part of the heap that handlers use; the rest lives in Swift (WasmRuntime/Heap).
typedef struct sw_heap {
    /// Free cells per size class: no type in the first word, the next cell in the second.
    sw_object *free[sw_size_class_count];
    /// Size class of an object by its bytes, rounded up to multiples of 16.
    uint8_t size_class[sw_small_bytes / 16 + 1];
    /// While the collector follows references: whoever overwrites one reports it (`sw_shade`).
    uint8_t is_marking;
    /// What `mark` of a new object has to be.
    uint32_t new_mark;
    /// The objects that are still to be looked at, linked by their marks: number of the first, 1 = none.
    uint32_t gray;
    /// Where objects may be: `byte_count` bytes from `base`.
    uint8_t *base;
    uint64_t byte_count;
} sw_heap;

/// The number of an object in lists, never 0 or 1.
static inline uint32_t sw_object_number(const sw_heap *heap, const sw_object *object) {
    return (uint32_t)((uint64_t)((const uint8_t *)object - heap->base) >> 4) + 2;
}

/// Has the collector look at an object.
static inline void sw_shade_object(sw_heap *heap, sw_object *object) {
    if (object->mark != 0) return;
    object->mark = heap->gray;
    heap->gray = sw_object_number(heap, object);
}

/// Has the collector look at what a reference of the `any` hierarchy refers to; functions and i31 are outside.
static inline void sw_shade_internal(sw_heap *heap, uint64_t reference) {
    if (reference & 1 || reference - (uint64_t)(uintptr_t)heap->base >= heap->byte_count) return;
    sw_shade_object(heap, (sw_object *)(uintptr_t)reference);
}

/// The same for an external reference, which is the host's unless it was converted.
static inline void sw_shade_external(sw_heap *heap, uint64_t reference) {
    if (reference & SW_EXTERNAL_BIT) sw_shade_internal(heap, reference & ~SW_EXTERNAL_BIT);
}

/// Whether a type is `target` or a declared subtype of it, in constant time.
static inline bool sw_type_matches(const sw_type *type, const sw_type *target) {
    return type == target || (type->depth > target->depth && type->display[target->depth] == target);
}

/// The same for a target by number.
static inline bool sw_is_subtype_number(const sw_type *type, uint32_t number) {
    for (uint32_t depth = 0; depth <= type->depth; depth++) {
        if (type->display[depth]->number == number) return true;
    }
    return false;
}

// The arrays of `sw_heap` for Swift.

static inline uint8_t sw_size_class_of(const sw_heap *heap, uint64_t byte_count) {
    return heap->size_class[(byte_count + 15) / 16];
}
static inline void sw_set_size_class(sw_heap *heap, uint32_t unit, uint8_t size_class) {
    heap->size_class[unit] = size_class;
}
static inline void sw_set_free_cells(sw_heap *heap, uint32_t size_class, sw_object *cell) {
    heap->free[size_class] = cell;
}
static inline sw_object *sw_take_free_cells(sw_heap *heap, uint32_t size_class) {
    sw_object *cell = heap->free[size_class];
    heap->free[size_class] = NULL;
    return cell;
}
static inline sw_object *sw_pop_cell(sw_heap *heap, uint32_t size_class) {
    sw_object *cell = heap->free[size_class];
    if (cell) heap->free[size_class] = ((sw_object **)cell)[1];
    return cell;
}
