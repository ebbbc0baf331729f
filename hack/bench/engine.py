"""CPU time of programs that were built elsewhere: the sightglass suite, and two languages' interpreters with scripts of
ours; swiftlet beside wasmkit and wasmtime, medians of ratios. Then the programs of compiled.py beside native code."""
import glob
import os
import shutil
import sys

import compiled
from measure import ROOT, ROUNDS, SHARED, SWIFTLET, VENV, geometric_mean, interleaved, median
from sightglass import programs, standalone

ENGINE = compiled.ENGINES[0]


def scripted():
    """(name, folder, module, arguments) of QuickJS and CPython; what is not here is left out."""
    folder = os.path.join(ROOT, "hack", "bench", "programs")
    python = glob.glob(os.path.join(VENV, "..", "lib", "python3*", "site-packages", "bin", "python.wasm"))
    quickjs = glob.glob(os.path.join(SHARED, "testdata", "programs", "wasip1", "quickjs.wasm"))
    for name, modules, script in [("quickjs", quickjs, "work.js"), ("python", python, "work.py")]:
        for module in modules[:1]:
            yield name, folder, module, [script]


only = os.environ.get("SWIFTLET_BENCH_PROGRAMS")
print(f"| program | {ENGINE} CPU s | wasmkit / {ENGINE} | wasmtime / {ENGINE} |")
print("|---|---|---|---|")
ratios = {"wasmkit": [], "wasmtime": []}
suite = [(name, folder, source, None) for name, folder, source in programs()]
for name, folder, source, arguments in [*suite, *scripted()]:
    if only and not any(word in name for word in only.split(",")):
        continue
    module = standalone(source) if arguments is None else source
    arguments = arguments or []
    commands = {
        "swiftlet": [SWIFTLET, "run", "--engine", ENGINE, "--dir", ".", module, *arguments],
        "wasmkit": [shutil.which("wasmkit"), "run", "--dir", ".", module, *arguments],
        "wasmtime": [os.path.join(VENV, "wasmtime"), "run", "-C", "cache=n", "--dir", ".", module, *arguments],
    }
    result = interleaved(commands, rounds=ROUNDS, cwd=folder)
    if "swiftlet" not in result:
        print(f"| {name} | failed | | |")
        continue
    row = [f"{median([cpu for _, cpu in result['swiftlet']]):.3f}"]
    for rival in ratios:
        if rival in result:
            ratio = median([b[1] / a[1] for a, b in zip(result["swiftlet"], result[rival])])
            ratios[rival].append(ratio)
            row.append(f"{ratio:.2f}")
        else:
            row.append("failed")
    print(f"| {name} | " + " | ".join(row) + " |")
    sys.stdout.flush()
print("| **geometric mean** | | " + " | ".join(f"**{geometric_mean(values):.2f}**" for values in ratios.values()) + " |")

print()
compiled.tables()
