"""hello from exec to exit: wall and CPU milliseconds, swiftlet beside wasmtime (precompiled) and wasmkit."""
import os
import shutil
import subprocess

from measure import ROOT, SWIFTLET, VENV, WORK, interleaved, median

hello = os.path.join(ROOT, ".build", "guests", "hello.wasm")
precompiled = os.path.join(WORK, "hello.cwasm")
subprocess.run([os.path.join(VENV, "wasmtime"), "compile", hello, "-o", precompiled], check=True)
commands = {
    "swiftlet run": [SWIFTLET, "run", hello],
    "wasmtime run, precompiled": [os.path.join(VENV, "wasmtime"), "run", "--allow-precompiled", precompiled],
    "wasmkit run": [shutil.which("wasmkit"), "run", hello],
    "/bin/true": ["/bin/true"],
}
result = interleaved(commands, rounds=40, warmup=3)
print("| hello, exec to exit | wall ms (median) | wall ms (min) | CPU ms (median) |")
print("|---|---|---|---|")
for name, runs in result.items():
    walls = [wall * 1e3 for wall, _ in runs]
    print(f"| {name} | {median(walls):.1f} | {min(walls):.1f} | {median([cpu * 1e3 for _, cpu in runs]):.1f} |")
