"""CPU time of programs that were built elsewhere: the sightglass suite, and two languages' interpreters with scripts of
ours; swiftlet beside wasmkit and wasmtime (code made before), medians of ratios. Then the programs of compiled.py beside native code."""
import glob
import os
import shutil
import sys

import compiled
import toolchains
from measure import ROOT, ROUNDS, SHARED, VENV, geometric_mean, interleaved, median
from sightglass import programs, standalone

ENGINES = compiled.ENGINES
INTERPRETS = ENGINES[0] == "interpreter"


def scripted():
    """(name, folder, module, arguments) of QuickJS and CPython; what is not here is left out."""
    folder = os.path.join(ROOT, "hack", "bench", "programs")
    python = glob.glob(os.path.join(VENV, "..", "lib", "python3*", "site-packages", "bin", "python.wasm"))
    quickjs = glob.glob(os.path.join(SHARED, "testdata", "programs", "wasip1", "quickjs.wasm"))
    for name, modules, script in [("quickjs", quickjs, "work.js"), ("python", python, "work.py")]:
        for module in modules[:1]:
            yield name, folder, module, [script]


def commands(module, arguments):
    """What is run, by name of the column."""
    starts = {engine: toolchains.swiftlet(engine, module) for engine in ENGINES}
    return {
        **{engine: [*start, "--dir", ".", module, *arguments] for engine, start in starts.items() if start},
        **({"wasmkit": [shutil.which("wasmkit"), "run", "--dir", ".", module, *arguments]} if INTERPRETS else {}),
        "wasmtime": [*toolchains.wasmtime(module, "--dir", "."), *arguments],
    }


def ratio(results, above, below):
    if above not in results or below not in results:
        return None
    return median([a[1] / b[1] for a, b in zip(results[above], results[below])])


only = os.environ.get("SWIFTLET_BENCH_PROGRAMS")
# Above and below of each column: the interpreter beside wasmkit's, native code beside wasmtime's, made before.
COLUMNS = [("wasmkit", ENGINES[0])] if INTERPRETS else []
COLUMNS += [("wasmtime", ENGINES[0])]
COLUMNS += [("wasmtime", engine) for engine in ENGINES if engine in toolchains.LEVELS and engine != ENGINES[0]]
seconds = [engine for engine in ENGINES[:2]]
print("| program | " + " | ".join(f"{engine} CPU s" for engine in seconds) + " | "
      + " | ".join(f"{above} / {below}" for above, below in COLUMNS) + " |")
print("|---|" + "---|" * (len(seconds) + len(COLUMNS)))
ratios = {column: [] for column in COLUMNS}
suite = [(name, folder, source, None) for name, folder, source in programs()]
for name, folder, source, arguments in [*suite, *scripted()]:
    if only and not any(word in name for word in only.split(",")):
        continue
    module = standalone(source) if arguments is None else source
    result = interleaved(commands(module, arguments or []), rounds=ROUNDS, cwd=folder)
    if ENGINES[0] not in result:
        print(f"| {name} | failed |" + " |" * (len(seconds) + len(COLUMNS) - 1))
        continue
    row = [f"{median([cpu for _, cpu in result[engine]]):.3f}" if engine in result else "failed" for engine in seconds]
    for column in COLUMNS:
        value = ratio(result, *column)
        if value is not None:
            ratios[column].append(value)
        row.append("failed" if value is None else f"{value:.2f}")
    print(f"| {name} | " + " | ".join(row) + " |")
    sys.stdout.flush()
print("| **geometric mean** |" + " |" * len(seconds)
      + " | ".join(f" **{geometric_mean(values):.2f}**" for values in ratios.values()) + " |")

print()
compiled.tables()
