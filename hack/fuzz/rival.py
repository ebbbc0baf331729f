"""The same modules in wasmtime, said in the checker's words."""
import re
import struct
import zlib

import wasmtime

PATTERNS = [
    0, 1, 2**64 - 1, 0x8000000080000000, 0x7FFFFFFF7FFFFFFF, 0x3FF000003F800000, 0xC0100000C0800000, 37,
]
TRAPS = {
    "UNREACHABLE": "unreachable",
    "MEMORY_OUT_OF_BOUNDS": "out of bounds memory access",
    "TABLE_OUT_OF_BOUNDS": "table",
    "INDIRECT_CALL_TO_NULL": "uninitialized element",
    "BAD_SIGNATURE": "indirect call type mismatch",
    "INTEGER_OVERFLOW": "integer overflow",
    "INTEGER_DIVISION_BY_ZERO": "integer divide by zero",
    "BAD_CONVERSION_TO_INTEGER": "invalid conversion to integer",
    "STACK_OVERFLOW": "call stack exhausted",
    "NULL_REFERENCE": "null reference",
    "ARRAY_OUT_OF_BOUNDS": "out of bounds array access",
    "CAST_FAILURE": "cast failure",
    "HEAP_MISALIGNED": "unaligned atomic",
    "ATOMIC_WAIT_NON_SHARED_MEMORY": "expected shared memory",
}


def hexadecimal(value, kind):
    if kind == "f32":
        bits = struct.unpack("<I", struct.pack("<f", value))[0] if value == value else 0x7FC00000
    elif kind == "f64":
        bits = struct.unpack("<Q", struct.pack("<d", value))[0] if value == value else 0x7FF8000000000000
    else:
        bits = value & (0xFFFFFFFF if kind == "i32" else 2**64 - 1)
    return f"{kind}:{bits:x}"


def argument(bits, kind):
    if kind == "f32":
        return struct.unpack("<f", struct.pack("<I", bits & 0xFFFFFFFF))[0]
    if kind == "f64":
        return struct.unpack("<d", struct.pack("<Q", bits))[0]
    size = 32 if kind == "i32" else 64
    bits &= 2**size - 1
    return bits - 2**size if bits >> (size - 1) else bits


def trap_name(error):
    if isinstance(error, wasmtime.Trap):
        code = error.trap_code
        return "trap " + TRAPS.get(code.name, code.name) if code is not None else f"trap {error.message}"
    return f"error {error}"


def reference(engine, path, ours):
    """What the other engine says to what the checker did, in the checker's words.

    Types come from the checker: wasmtime's C API ends the process when it is asked for one with a v128 in it.
    """
    lines = []
    store = wasmtime.Store(engine)
    module = wasmtime.Module.from_file(engine, path)
    try:
        exports = wasmtime.Instance(store, module, []).exports(store).by_index
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return [f"instantiation: {trap_name(error)}"]
    for line in ours:
        match = re.match(r"(call (\d+) (\d) \((.*)\) -> \((.*)\)|global (\d+) \((.*)\)|memory (\d+)): ", line)
        if not match:
            lines.append("ran")
        elif match[2]:
            lines.append(f"{match[1]}: " + call(store, exports, int(match[2]), int(match[3]), match[4], match[5]))
        elif match[6]:
            lines.append(f"{match[1]}: {hexadecimal(exports[int(match[6])].value(store), match[7])}")
        else:
            memory = exports[int(match[8])]
            content = memory.read(store, 0, memory.data_len(store))
            lines.append(f"{match[1]}: {memory.size(store)} {zlib.crc32(bytes(content))}")
    return lines


def call(store, exports, position, turn, parameters, results):
    start = position + 3 * turn
    kinds = [kind for kind in parameters.split(",") if kind]
    arguments = [argument(PATTERNS[(start + i) % len(PATTERNS)], kind) for i, kind in enumerate(kinds)]
    try:
        values = exports[position](store, *arguments)
    except (wasmtime.Trap, wasmtime.WasmtimeError) as error:
        return trap_name(error)
    values = [] if values is None else values if isinstance(values, list) else [values]
    return " ".join(["returned"] + [hexadecimal(v, k) for v, k in zip(values, results.split(","))])


def make_engine():
    config = wasmtime.Config()
    for name in ("wasm_multi_memory", "wasm_memory64", "wasm_tail_call", "wasm_function_references", "wasm_gc",
                 "wasm_exceptions", "wasm_relaxed_simd", "wasm_relaxed_simd_deterministic", "wasm_threads",
                 "wasm_wide_arithmetic", "wasm_custom_page_sizes"):
        try:
            setattr(config, name, True)
        except (AttributeError, wasmtime.WasmtimeError):
            pass
    config.cranelift_opt_level = "none"
    return wasmtime.Engine(config)
