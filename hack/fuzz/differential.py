"""Runs generated modules in Swiftlet's engine and in wasmtime, and compares every result, global and memory.

usage: differential.py CHECKER WASM-TOOLS [--count N] [--seed S] [--keep FOLDER]

Module number k of seed s is always the same one. A module that the engines disagree about, that ends or stalls the
checker, or that it refuses, is kept with both accounts; the exit code is then 1.
"""
import argparse
import os
import random
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
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
}
STALL_SECONDS = 20
# Feature of the checker: option of the generator.
FEATURES = {
    "simd": "--simd-enabled", "relaxed-simd": "--relaxed-simd-enabled", "tail-call": "--tail-call-enabled",
    "memory64": "--memory64-enabled", "exception-handling": "--exceptions-enabled", "gc": "--gc-enabled",
    "extended-const": "--extended-const-enabled", "threads": "--threads-enabled",
    "wide-arithmetic": "--wide-arithmetic-enabled", "custom-page-sizes": "--custom-page-sizes-enabled",
}


class Checker:
    """The checker process; started again after it ended."""

    def __init__(self, path):
        self.path = path
        self.process = None
        self.features = []
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""
        line = self.line()
        self.features = line.removeprefix("features: ").split(", ")

    def line(self):
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], STALL_SECONDS)[0]:
                raise TimeoutError("no answer")
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            if not read:
                raise EOFError(f"the checker ended: {self.process.wait()}")
            self.pending += read
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode("utf-8", "backslashreplace")

    def run(self, path):
        lines = []
        try:
            self.process.stdin.write(path.encode() + b"\n")
            self.process.stdin.flush()
            while (line := self.line()) != "end":
                lines.append(line)
        except (EOFError, TimeoutError, BrokenPipeError) as error:
            lines.append(f"checker: {error}")
            self.process.kill()
            self.process.wait()
            self.start()
        return lines


def generate(tools, exports, number_of_seed, features, path):
    """Makes module `number_of_seed`; the options turn with it, so that each feature is met with and without the others."""
    chance = random.Random(number_of_seed)
    options = ["--ensure-termination", "--fuel", "400", "--max-imports", "0",
               "--canonicalize-nans", "true", "--memory-max-size-required", "true", "--table-max-size-required", "true",
               "--max-memory32-bytes", str(4 << 16), "--max-memory64-bytes", str(4 << 16), "--max-table-elements", "500",
               "--generate-custom-sections", "false", "--min-funcs", "1", "--compact-imports-enabled", "false",
               "--custom-descriptors-enabled", "false", "--shared-everything-threads-enabled", "false",
               "--max-memories", str(chance.choice([1, 1, 1, 3]) if "multi-memory" in features else 1),
               "--max-instructions", str(chance.choice([50, 200, 200, 1000])),
               "--max-funcs", str(chance.choice([2, 5, 20]))]
    for feature, option in FEATURES.items():
        options += [option, "true" if feature in features and chance.random() < 0.6 else "false"]
    if number_of_seed % 2:
        options += ["--exports", exports]
    else:
        options += ["--export-everything", "true"]
    data = chance.randbytes(chance.choice([300, 1000, 4000, 12000]))
    result = subprocess.run([tools, "smith", "-o", path] + options, input=data, stderr=subprocess.PIPE, check=False)
    return result.returncode == 0


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


# Where engines may end a run at different points: how much a stack or a heap holds.
RESOURCES = ("call stack exhausted", "out of memory", "ALLOCATION_TOO_LARGE")


def plain(line):
    """The line without what only one of the engines tells."""
    line = re.sub(r"trap null \w+ reference", "trap null reference", line)
    return re.sub(r"(trap|error) error while executing at wasm backtrace:.*", "trap uncaught exception", line,
                  flags=re.DOTALL)


# An atomic access that is neither aligned nor inside: wasmtime itself names one for loads and the other for notify.
ATOMIC_FAULTS = {"trap unaligned atomic", "trap out of bounds memory access"}


def agrees(ours, theirs):
    for one, other in zip(map(plain, ours), map(plain, theirs)):
        if any(word in one or word in other for word in RESOURCES):
            return True
        if one != other and {one.split(": ", 1)[-1], other.split(": ", 1)[-1]} != ATOMIC_FAULTS:
            return False
    return len(ours) == len(theirs)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checker")
    parser.add_argument("tools")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default="fuzz-failures")
    arguments = parser.parse_args()
    checker = Checker(arguments.checker)
    engine = make_engine()
    compared = skipped = calls = failures = 0
    # A run that is stopped tells what it has done.
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(True))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "module.wasm")
        exports = os.path.join(folder, "exports.wasm")
        source = os.path.join(os.path.dirname(__file__), "exports.wat")
        subprocess.run([arguments.tools, "parse", source, "-o", exports], check=True)
        for number in range(arguments.count):
            if stopped:
                break
            seed = arguments.seed * 10_000_000 + number
            if not generate(arguments.tools, exports, seed, checker.features, path):
                skipped += 1
                continue
            ours = checker.run(path)
            try:
                theirs = reference(engine, path, ours)
            except wasmtime.WasmtimeError:
                # Made with a feature that this wasmtime does not have.
                skipped += 1
                continue
            if any("shared memory support is disabled" in line for line in theirs):
                skipped += 1
                continue
            compared += 1
            calls += sum(line.startswith("call") for line in ours)
            if not agrees(ours, theirs):
                failures += 1
                os.makedirs(arguments.keep, exist_ok=True)
                kept = os.path.join(arguments.keep, f"{seed}")
                with open(path, "rb") as source, open(kept + ".wasm", "wb") as target:
                    target.write(source.read())
                with open(kept + ".txt", "w") as target:
                    target.write("\n".join(["swiftlet:"] + ours + ["wasmtime:"] + theirs) + "\n")
                print(f"different: {kept}.wasm (see the .txt)", flush=True)
            if sys.stdout.isatty() and number % 100 == 0:
                print(f"\r{number} of {arguments.count}", end="", flush=True)
    print(f"differential: {compared} modules compared in {calls} calls, {skipped} skipped, {failures} different")
    return 1 if failures or compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
