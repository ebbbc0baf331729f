// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the interpreter's handlers, expanded from the instruction lists, and the way in.

// CInterpreterAVX2.c includes this file to compile the handlers once more, for newer processors (SW_HAS_AVX2).

#include "CInterpreter.h"

#include "AtomicHandlers.h"
#include "BulkHandlers.h"
#include "ExceptionHandlers.h"
#include "ControlHandlers.h"
#include "MemoryHandlers.h"
#include "MemoryHandlers64.h"
#include "NumericHandlers.h"
#include "ReferenceHandlers.h"
#include "TailCallHandlers.h"
#include "VectorAddresses.h"
#if defined(__x86_64__)
#include "Processor.h"
#endif

#define SW_ADDRESSES6(name, T, R)                                                                                     \
    sw_h_##name##_ss, sw_h_##name##_ss_a, sw_h_##name##_as, sw_h_##name##_as_a, sw_h_##name##_sa, sw_h_##name##_sa_a,
#define SW_ADDRESSES10(name, T, R)                                                                                    \
    SW_ADDRESSES6(name, T, R)                                                                                         \
    sw_h_##name##_si, sw_h_##name##_si_a, sw_h_##name##_ai, sw_h_##name##_ai_a,
#define SW_ADDRESSES4(name, T, R) sw_h_##name##_s, sw_h_##name##_s_a, sw_h_##name##_a, sw_h_##name##_a_a,
#define SW_SUM_ADDRESSES4(name, T, R) SW_ADDRESSES4(name##_sum, T, R)
#define SW_ADDRESSES4_64(name, T, R) SW_ADDRESSES4(name##_64, T, R)
#define SW_ADDRESSES2_ANY(name, T, R) sw_h_##name##_any, sw_h_##name##_any_a,
#define SW_ADDRESSES2_STORE_64(name, T, R) sw_h_##name##_64_s, sw_h_##name##_64_a,
#define SW_ADDRESSES_STORE(name, T, R)                                                                                \
    sw_h_##name##_ss, sw_h_##name##_as, sw_h_##name##_sa, sw_h_##name##_si, sw_h_##name##_ai,
#define SW_ADDRESSES_FLOAT_STORE(name, T, R)                                                                          \
    sw_h_##name##_ss, sw_h_##name##_as, sw_h_##name##_sa, sw_h_##name##_aa, sw_h_##name##_aa,
#define SW_STEPS(name, form) sw_h_br_##name##_##form##_fwd, sw_h_br_##name##_##form##_back,
#define SW_BRANCH_ADDRESSES10(name, T, R)                                                                             \
    SW_STEPS(name, ss) SW_STEPS(name, as) SW_STEPS(name, sa) SW_STEPS(name, si) SW_STEPS(name, ai)
#define SW_BRANCH_ADDRESSES12(name, T, R)                                                                             \
    SW_STEPS(name, ss_if) SW_STEPS(name, ss_unless) SW_STEPS(name, as_if) SW_STEPS(name, as_unless)                   \
    SW_STEPS(name, sa_if) SW_STEPS(name, sa_unless)
#define SW_ADDRESS(name) sw_h_##name,
#define SW_STRUCT_GET_ADDRESSES(name, M, R) SW_ADDRESSES4(struct_get_##name, M, R)
#define SW_ARRAY_GET_ADDRESSES(name, M, R) SW_ADDRESSES6(array_get_##name, M, R)
#define SW_STRUCT_SET_ADDRESSES(name, M, T, trace)                                                                    \
    sw_h_struct_set_##name##_ss, sw_h_struct_set_##name##_as, sw_h_struct_set_##name##_sa,
#define SW_ARRAY_SET_ADDRESSES(name, M, T, trace) sw_h_array_set_##name##_s, sw_h_array_set_##name##_a,

#define SW_ALL_ADDRESSES                                                                                              \
    SW_INT_COMPARES(SW_ADDRESSES10)                                                                                   \
    SW_INT_COMPARES(SW_BRANCH_ADDRESSES10)                                                                            \
    SW_FLOAT_COMPARES(SW_ADDRESSES6)                                                                                  \
    SW_FLOAT_COMPARES(SW_BRANCH_ADDRESSES12)                                                                          \
    SW_INT_BINARIES(SW_ADDRESSES10, SW_ADDRESSES10)                                                                   \
    SW_FLOAT_BINARIES(SW_ADDRESSES6)                                                                                  \
    SW_INT_UNARIES(SW_ADDRESSES4)                                                                                     \
    SW_FLOAT_UNARIES(SW_ADDRESSES4)                                                                                   \
    SW_CONVERSIONS(SW_ADDRESSES4, SW_ADDRESSES4)                                                                      \
    SW_SATURATING(SW_ADDRESSES4)                                                                                      \
    SW_LOADS(SW_ADDRESSES4)                                                                                           \
    SW_LOADS(SW_SUM_ADDRESSES4)                                                                                       \
    SW_STORES(SW_ADDRESSES_STORE, SW_ADDRESSES_FLOAT_STORE)                                                           \
    SW_LOADS(SW_ADDRESSES4_64)                                                                                        \
    SW_LOADS(SW_ADDRESSES2_ANY)                                                                                       \
    SW_STORES(SW_ADDRESSES2_STORE_64, SW_ADDRESSES2_STORE_64)                                                         \
    SW_SINGLES(SW_ADDRESS)                                                                                            \
    SW_VECTOR_ADDRESSES                                                                                               \
    SW_REFERENCE_UNARIES(SW_ADDRESSES4, SW_ADDRESSES4)                                                                \
    SW_FIELD_GETS(SW_STRUCT_GET_ADDRESSES)                                                                            \
    SW_FIELD_SETS(SW_STRUCT_SET_ADDRESSES)                                                                            \
    SW_FIELD_GETS(SW_ARRAY_GET_ADDRESSES)                                                                             \
    SW_FIELD_SETS(SW_ARRAY_SET_ADDRESSES)                                                                             \
    SW_REFERENCE_SINGLES(SW_ADDRESS)
_Static_assert(sizeof((sw_handler[]){SW_ALL_ADDRESSES}) == SW_handler_count * sizeof(sw_handler), "a number per handler");

// A table of distances from its own place. One of addresses would be relocated at each start of a sandbox: that made
// fifteen pages private to it, and took 35 µs. C has no constant for the distance between two functions.
#define SW_TEXT_OF(...) #__VA_ARGS__
#define SW_TEXT(...) SW_TEXT_OF(__VA_ARGS__)
__asm__(".pushsection .rodata.sw_handlers, \"a\"\n"
        ".balign 4\n"
        "sw_handlers:\n"
        // Each item of the list ends with a comma: one more entry that nobody reads.
        ".irp handler, " SW_TEXT(SW_ALL_ADDRESSES sw_h_translate_entry) "\n"
        ".long \\handler - sw_handlers\n"
        ".endr\n"
        ".popsection\n");
extern const int32_t sw_handlers[] __attribute__((visibility("hidden")));
#define SW_ADDRESS_OF(number) ((uint64_t)(uintptr_t)((const char *)sw_handlers + sw_handlers[number]))

#if SW_HAS_AVX2
uint64_t sw_handler_address_avx2(int32_t number) { return SW_ADDRESS_OF(number); }
#else
/// Which handlers are in use; none until somebody asks.
enum { SW_NOT_SELECTED, SW_BASELINE, SW_AVX2 };
static uint8_t sw_selection = SW_NOT_SELECTED;

bool sw_select_handlers(bool newest) {
    bool is_newest = false;
#if defined(__x86_64__)
    is_newest = newest && sw_processor_has_avx2();
#else
    (void)newest;
#endif
    // Several threads may come here at the same time; all write the same.
    __atomic_store_n(&sw_selection, is_newest ? SW_AVX2 : SW_BASELINE, __ATOMIC_RELAXED);
    return is_newest;
}

uint64_t sw_handler_address(int32_t number) {
    if (SW_UNLIKELY(__atomic_load_n(&sw_selection, __ATOMIC_RELAXED) == SW_NOT_SELECTED)) sw_select_handlers(true);
#if defined(__x86_64__)
    uint64_t sw_handler_address_avx2(int32_t number);
    if (__atomic_load_n(&sw_selection, __ATOMIC_RELAXED) == SW_AVX2) return sw_handler_address_avx2(number);
#endif
    return SW_ADDRESS_OF(number);
}

int32_t sw_vector_handler(uint32_t index) {
    return index < sizeof(sw_vector_handlers) / sizeof(sw_vector_handlers[0]) ? sw_vector_handlers[index] : 0;
}

void sw_run(sw_function *function, sw_context *context, uint64_t *frame) {
    sw_machine *machine = context->machine;
    if (frame + function->frame_slots > machine->stack_limit) {
        machine->trap_reason = machine->is_interrupted ? 11 : 10;
        machine->trap_pc = machine->exit_code;
        machine->trap_sp = frame;
        return;
    }
    frame[function->header] = (uint64_t)(uintptr_t)machine->exit_code;
    frame[function->header + 1] = (uint64_t)(uintptr_t)frame;
    sw_handler first = *(const sw_handler_word *)function->code;
    first(function->code, frame, context->memory->base, context->memory->byte_count, context, 0, 0, 0, (sw_v128){0, 0});
}

void sw_interrupt(sw_machine *machine) {
    machine->is_interrupted = 1;
    machine->stack_limit = NULL;
}
#endif
