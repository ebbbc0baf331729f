// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the registers of the virtual machine, and how handlers read operands and go on.
#pragma once

#include "CInterpreter.h"
#include "Instructions.h"

// pc  the instruction: 8 bytes of handler address, then operands; slot numbers are 16 bits, relative to sp
// sp  the frame: one 64-bit slot per parameter, local and temporary, two for a vector; i32 and f32 are zero-extended
// md  memory 0: its base; ms: its size in bytes (reloaded after calls to the outside and memory.grow)
// cx  the instance
// ai  accumulators: the last result of integer (or reference), f32, f64 and v128 type
#define SW_PARAMETERS                                                                                                 \
    const uint8_t *pc, uint64_t *sp, uint8_t *md, uint64_t ms, sw_context *cx, uint64_t ai, float af, double ad,      \
        sw_v128 av
#define SW_REGISTERS pc, sp, md, ms, cx, ai, af, ad, av
#define SW_CONVENTION __attribute__((preserve_none))

/// A vector as its register holds it; operations reinterpret it as lanes.
typedef uint64_t sw_v128 __attribute__((vector_size(16)));

typedef SW_CONVENTION void (*sw_handler)(SW_PARAMETERS);

// "used": the table of handlers is made by the assembler, whose references the compiler does not see.
#define SW_HANDLER(name) SW_CONVENTION __attribute__((used)) static void sw_h_##name(SW_PARAMETERS)
#define SW_COLD_HANDLER(name) SW_CONVENTION __attribute__((used, noinline, cold)) static void sw_h_##name(SW_PARAMETERS)

// Slots hold every type; the aliasing rules of C must not reorder their accesses.
typedef uint16_t __attribute__((may_alias)) sw_u16;
typedef int16_t __attribute__((may_alias)) sw_s16;
typedef uint32_t __attribute__((may_alias)) sw_u32;
typedef int32_t __attribute__((may_alias)) sw_s32;
typedef uint64_t __attribute__((may_alias)) sw_u64;
typedef float __attribute__((may_alias)) sw_f32;
typedef double __attribute__((may_alias)) sw_f64;
/// Slots are aligned to 8 bytes only.
typedef sw_v128 __attribute__((may_alias, aligned(8))) sw_slot_v128;
typedef sw_handler __attribute__((may_alias)) sw_handler_word;

#define SW_U16(offset) (*(const sw_u16 *)(pc + (offset)))
#define SW_S16(offset) (*(const sw_s16 *)(pc + (offset)))
#define SW_U32(offset) (*(const sw_u32 *)(pc + (offset)))
#define SW_S32(offset) (*(const sw_s32 *)(pc + (offset)))
#define SW_U64(offset) (*(const sw_u64 *)(pc + (offset)))
#define SW_POINTER(type, offset) ((type *)(uintptr_t)SW_U64(offset))

#define SW_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define SW_DISPATCH()                                                                                                 \
    do {                                                                                                              \
        sw_handler next = *(const sw_handler_word *)pc;                                                               \
        [[clang::musttail]] return next(SW_REGISTERS);                                                                \
    } while (0)
#define SW_NEXT(byte_count)                                                                                           \
    do {                                                                                                              \
        pc += (byte_count);                                                                                           \
        SW_DISPATCH();                                                                                                \
    } while (0)
#define SW_GO(handler) [[clang::musttail]] return sw_h_##handler(SW_REGISTERS)

// Types as the lists name them: C type, read from slot, read from accumulator, immediate, keep a result.
#define SW_C_I32 uint32_t
#define SW_C_I64 uint64_t
#define SW_C_F32 float
#define SW_C_F64 double
#define SW_C_V128 sw_v128
#define SW_SLOT_I32(n) (*(const sw_u32 *)&sp[n])
#define SW_SLOT_I64(n) (*(const sw_u64 *)&sp[n])
#define SW_SLOT_F32(n) (*(const sw_f32 *)&sp[n])
#define SW_SLOT_F64(n) (*(const sw_f64 *)&sp[n])
#define SW_SLOT_V128(n) (*(const sw_slot_v128 *)&sp[n])
#define SW_ACC_I32 ((uint32_t)ai)
#define SW_ACC_I64 ai
#define SW_ACC_F32 af
#define SW_ACC_F64 ad
#define SW_ACC_V128 av
#define SW_IMMEDIATE_I32(value) ((uint32_t)(value))
#define SW_IMMEDIATE_I64(value) ((uint64_t)(int64_t)(value))
#define SW_KEEP_I32(value) (ai = (uint32_t)(value))
#define SW_KEEP_I64(value) (ai = (value))
#define SW_KEEP_F32(value) (af = (value))
#define SW_KEEP_F64(value) (ad = (value))
#define SW_KEEP_V128(value) (av = (value))
#define SW_WRITE_I32(n) (sp[n] = ai)
#define SW_WRITE_I64(n) (sp[n] = ai)
#define SW_WRITE_F32(n) (sp[n] = __builtin_bit_cast(uint32_t, af))
#define SW_WRITE_F64(n) (*(sw_f64 *)&sp[n] = ad)
#define SW_WRITE_V128(n) (*(sw_slot_v128 *)&sp[n] = av)

// The end of a producer of 16 bytes: result to slot (at 8) and accumulator, or to the accumulator only.
#define SW_FINISH_slot(R)                                                                                             \
    SW_WRITE_##R(SW_U16(8));                                                                                          \
    SW_NEXT(16);
#define SW_FINISH_acc(R) SW_NEXT(16);

/// Ends the run: `machine->trap_reason` says why, `pc` and `sp` where.
SW_COLD_HANDLER(stop) {
    (void)md, (void)ms, (void)ai, (void)af, (void)ad, (void)av;
    cx->machine->trap_pc = pc;
    cx->machine->trap_sp = sp;
    cx->machine->trap_context = cx;
}

// One cold function per reason, so that a check costs a compare and a branch.
#define SW_DEFINE_TRAP(name, reason)                                                                                  \
    SW_COLD_HANDLER(trap_##name) {                                                                                    \
        cx->machine->trap_reason = (reason);                                                                          \
        SW_GO(stop);                                                                                                  \
    }
SW_DEFINE_TRAP(unreachable, 1)
SW_DEFINE_TRAP(undefined_element, 7)
SW_DEFINE_TRAP(uninitialized_element, 8)
SW_DEFINE_TRAP(indirect_call_type, 9)
SW_DEFINE_TRAP(fuel, 15)

/// Outside of memory 0, as far as its size is in the register: another thread may have grown it since, and then the
/// instruction, which has done nothing yet, is executed again.
SW_COLD_HANDLER(trap_out_of_bounds_memory) {
    uint64_t byte_count = __atomic_load_n(&cx->memory->byte_count, __ATOMIC_ACQUIRE);
    if (byte_count > ms) {
        ms = byte_count;
        SW_DISPATCH();
    }
    cx->machine->trap_reason = 5;
    SW_GO(stop);
}

/// The stack limit was passed, or an interrupt moved it.
SW_COLD_HANDLER(trap_stack) {
    cx->machine->trap_reason = cx->machine->is_interrupted ? 11 : 10;
    SW_GO(stop);
}
