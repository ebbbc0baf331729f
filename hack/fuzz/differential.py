"""Runs generated modules in Swiftlet's engine and in wasmtime, and compares every result, global and memory.

usage: differential.py CHECKER WASM-TOOLS [--count N] [--seed S] [--tiers TIER,…] [--keep FOLDER]

The first tier (EngineCheck names them) is compared with wasmtime, the others with the first. One module in four comes
from binaryen where there is a wasm-opt, the others from wasm-tools. Module number k of seed s is always the same one. A
module that the engines disagree about, that ends or stalls the checker, or that it refuses, is kept with all accounts;
the exit code is then 1.
"""
import argparse
import os
import re
import shutil
import signal
import sys
import tempfile

import wasmtime

from checker import Checker
from generators import Binaryen, Smith
from rival import make_engine, reference

# Where engines may end a run at different points: how much a stack or a heap holds.
RESOURCES = ("call stack exhausted", "out of memory", "ALLOCATION_TOO_LARGE")


def plain(line):
    """The line without what only one of the engines tells."""
    line = re.sub(r"trap null \w+ reference", "trap null reference", line)
    return re.sub(r"(trap|error) error while executing at wasm backtrace:.*", "trap uncaught exception", line,
                  flags=re.DOTALL)


# An atomic access that is neither aligned nor inside: wasmtime itself names one for loads and the other for notify.
ATOMIC_FAULTS = {"trap unaligned atomic", "trap out of bounds memory access"}


# Native code that is not exact may leave out a load whose value does not matter, or do a store later; what follows such
# a trap is then another story.
INEXACT = "trap out of bounds memory access"


def agrees(ours, theirs, is_exact=True):
    for one, other in zip(map(plain, ours), map(plain, theirs)):
        if any(word in one or word in other for word in RESOURCES):
            return True
        if not is_exact and INEXACT in one:
            return True
        if one != other and {one.split(": ", 1)[-1], other.split(": ", 1)[-1]} != ATOMIC_FAULTS:
            return False
    return len(ours) == len(theirs)


class Run:
    """The comparison of many modules, and its totals."""

    def __init__(self, arguments, folder):
        self.arguments = arguments
        self.path = os.path.join(folder, "module.wasm")
        self.checker = Checker(arguments.checker, arguments.tiers.split(","))
        self.engine = make_engine()
        smith = Smith(arguments.tools, folder)
        self.generators = [Binaryen(folder) if shutil.which("wasm-opt") else smith, smith, smith, smith]
        self.compared = self.skipped = self.calls = self.failures = 0

    def module(self, number):
        # wasm-tools turns its options with even and odd numbers.
        generator = self.generators[number // 2 % len(self.generators)]
        if not generator.make(number, self.checker.features, self.path):
            self.skipped += 1
            return
        accounts = self.checker.run(self.path)
        first = next(iter(accounts.values()))
        try:
            theirs = reference(self.engine, self.path, [line for line in first if not line.startswith("own ")])
        except wasmtime.WasmtimeError:
            # Made with a feature that this wasmtime does not have.
            self.skipped += 1
            return
        if any("shared memory support is disabled" in line for line in theirs):
            self.skipped += 1
            return
        self.compared += 1
        self.calls += sum(line.startswith(("call", "own call")) for line in first)
        ours = [line for line in first if not line.startswith("own ")]
        if not agrees(ours, theirs) or not all(
                agrees(first, account, tier not in ("quick", "full")) for tier, account in accounts.items()):
            self.keep(number, generator, {**accounts, "wasmtime": theirs})

    def keep(self, number, generator, accounts):
        self.failures += 1
        os.makedirs(self.arguments.keep, exist_ok=True)
        kept = os.path.join(self.arguments.keep, f"{generator.name}-{number}")
        shutil.copyfile(self.path, kept + ".wasm")
        with open(kept + ".txt", "w", encoding="utf-8") as target:
            for name, lines in accounts.items():
                target.write("\n".join([f"{name}:"] + lines) + "\n")
        print(f"different: {kept}.wasm (see the .txt)", flush=True)

    def total(self):
        return (f"differential: {self.compared} modules compared in {self.calls} calls ({self.arguments.tiers}), "
                f"{self.skipped} skipped, {self.failures} different")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("checker")
    parser.add_argument("tools")
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tiers", default="interpreter")
    parser.add_argument("--keep", default="fuzz-failures")
    arguments = parser.parse_args()
    # A run that is stopped tells what it has done.
    stopped = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.append(True))
    with tempfile.TemporaryDirectory() as folder:
        run = Run(arguments, folder)
        for number in range(arguments.count):
            if stopped:
                break
            run.module(arguments.seed * 10_000_000 + number)
            if number % 100 == 0 and sys.stdout.isatty():
                print(f"\r{number} of {arguments.count}", end="", flush=True)
            if number % 10_000 == 9_999:
                print(run.total(), flush=True)
    print(run.total())
    return 1 if run.failures or run.compared == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
