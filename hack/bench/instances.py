"""What a fresh instance of a module costs: instantiated, made of an image of another one, and one that went back to it
after some pages of its memory were written. CPU microseconds, medians of 400."""
import os
import subprocess

from measure import ROOT, SHARED

programs = os.path.join(SHARED, "testdata", "programs", "wasip1")
rows = {}
for name in ["hello_tinygo", "micropython", "quickjs", "hello_go"]:
    path = os.path.join(programs, name + ".wasm")
    bench = subprocess.run(
        [os.path.join(ROOT, ".build", "release", "InstanceBench"), path], check=True, capture_output=True, text=True)
    rows[name] = (os.path.getsize(path), dict(line.split() for line in bench.stdout.splitlines()))
columns = list(next(iter(rows.values()))[1])
print("| instance of | bytes | " + " | ".join(columns) + " |")
print("|---" * (len(columns) + 2) + "|")
for name, (size, figures) in rows.items():
    print(f"| {name} | {size} | " + " | ".join(figures[column] for column in columns) + " |")
