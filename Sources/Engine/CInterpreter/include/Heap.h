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

enum { sw_object_header = 16 };

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
