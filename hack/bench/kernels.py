"""CPU time of SIMD kernels: C programs of hack/bench/programs, built natively and for WebAssembly by one compiler (PyPI
ziglang). WasmKit does a twentieth of the work, beside swiftlet with as much: it takes minutes otherwise."""
import os
import shutil
import subprocess
import sys

from measure import ROOT, ROUNDS, SWIFTLET, VENV, WORK, geometric_mean, interleaved, median

# Name and how much to do: about 0.1 s natively.
WORKLOADS = {"simd_bytes": 20000, "simd_mandelbrot": 2048, "simd_matrix": 600}


def build(name):
    """Paths of the native program and of the module, made once."""
    source = os.path.join(ROOT, "hack", "bench", "programs", name + ".c")
    folder = os.path.join(WORK, "kernels")
    os.makedirs(folder, exist_ok=True)
    targets = {
        os.path.join(folder, name): ["-mcpu=x86_64_v2"],
        os.path.join(folder, name + ".wasm"): ["-target", "wasm32-wasi", "-msimd128"],
    }
    for target, flags in targets.items():
        if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(source):
            compiler = [os.path.join(VENV, "python3"), "-m", "ziglang", "cc", "-O2"]
            subprocess.run([*compiler, *flags, source, "-o", target], check=True)
    return list(targets)


def ratio(results, above, below):
    return median([a[1] / b[1] for a, b in zip(results[above], results[below])])


def table():
    print("| SIMD kernel | native CPU s | swiftlet / native | wasmtime / native | wasmkit / swiftlet |")
    print("|---|---|---|---|---|")
    ratios = []
    for name, amount in WORKLOADS.items():
        native, module = build(name)
        run = [SWIFTLET, "run", "--engine", "interpreter", module]
        results = interleaved({
            "native": [native, str(amount)],
            "swiftlet": [*run, str(amount)],
            "wasmtime": [os.path.join(VENV, "wasmtime"), "run", "-C", "cache=n", module, str(amount)],
        }, rounds=ROUNDS)
        less = str(max(amount // 20, 64))
        rival = interleaved(
            {"swiftlet": [*run, less], "wasmkit": [shutil.which("wasmkit"), "run", module, less]}, rounds=1, warmup=0)
        ratios.append(ratio(results, "swiftlet", "native"))
        row = [
            f"{median([cpu for _, cpu in results['native']]):.3f}", f"{ratios[-1]:.1f}",
            f"{ratio(results, 'wasmtime', 'native'):.2f}",
            f"{ratio(rival, 'wasmkit', 'swiftlet'):.0f}" if "wasmkit" in rival else "failed",
        ]
        print(f"| {name} | " + " | ".join(row) + " |")
        sys.stdout.flush()
    print(f"| **geometric mean** | | **{geometric_mean(ratios):.1f}** | | |")


if __name__ == "__main__":
    table()
