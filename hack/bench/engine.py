"""CPU time of the sightglass programs: swiftlet's interpreter beside wasmkit and wasmtime, medians of ratios."""
import os
import shutil
import sys

import kernels
from measure import ROUNDS, SWIFTLET, VENV, geometric_mean, interleaved, median
from sightglass import programs, standalone

only = os.environ.get("SWIFTLET_BENCH_PROGRAMS")
print("| program | swiftlet CPU s | wasmkit / swiftlet | wasmtime / swiftlet |")
print("|---|---|---|---|")
ratios = {"wasmkit": [], "wasmtime": []}
for name, folder, source in programs():
    if only and not any(word in name for word in only.split(",")):
        continue
    module = standalone(source)
    commands = {
        "swiftlet": [SWIFTLET, "run", "--engine", "interpreter", "--dir", ".", module],
        "wasmkit": [shutil.which("wasmkit"), "run", "--dir", ".", module],
        "wasmtime": [os.path.join(VENV, "wasmtime"), "run", "-C", "cache=n", "--dir", ".", module],
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

if not only or "simd" in only:
    print()
    kernels.table()
