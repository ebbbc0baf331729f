"""Makes the corpus in Tests/Engine/Corpus anew: small modules that together have as many instructions as possible, with
what they do, and damaged ones, with why they are refused.

usage: corpus.py CHECKER WASM-TOOLS FOLDER

A module is taken when the interpreter and wasmtime agree about it; a damaged one when both refuse it.
"""
import os
import random
import re
import subprocess
import sys
import tempfile

import wasmtime

from checker import Checker
from differential import RESOURCES, agrees
from generators import Binaryen, Smith
from rival import make_engine, reference

CANDIDATES = 4000
BYTES_MAX = 800
PER_REASON = 4
INSTRUCTION = re.compile(r"^\s+([a-z][a-z0-9_.]+)", re.M)


def write(folder, name, module, lines):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name + ".module"), "wb") as file:
        file.write(module)
    with open(os.path.join(folder, name + ".txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


def choose_valid(generators, checker, engine, tools, path):
    """Modules with an instruction, or an outcome, that none before them has: (name, bytes, account)."""
    seen, chosen = set(), []
    for number in range(CANDIDATES):
        generator = generators[number // 2 % len(generators)]
        if not generator.make(number, checker.features, path) or os.path.getsize(path) > BYTES_MAX:
            continue
        lines = checker.run(path)["interpreter"]
        calls = [line for line in lines if "call " in line]
        if len(calls) < 3 or len(lines) > 60 or any(word in line for line in lines for word in RESOURCES):
            continue
        text = subprocess.run([tools, "print", path], check=True, capture_output=True, text=True).stdout
        features = set(INSTRUCTION.findall(text)) | {line.split(": trap ")[1] for line in calls if ": trap " in line}
        if len(features - seen) < 2:
            continue
        ours = [line for line in lines if not line.startswith("own ")]
        try:
            if not agrees(ours, reference(engine, path, ours)):
                continue
        except wasmtime.WasmtimeError:
            continue
        seen |= features
        with open(path, "rb") as file:
            chosen.append((f"{generator.name}-{number}", file.read(), lines))
    return chosen


def choose_invalid(valid, checker, engine, path):
    """Damaged modules, a few for each reason to refuse one: (name, bytes, words)."""
    chance = random.Random(1)
    counts, chosen = {}, []
    for number in range(CANDIDATES):
        name, module, _ = valid[number % len(valid)]
        damaged = bytearray(module)
        for _ in range(chance.choice([1, 1, 2])):
            damaged[chance.randrange(8, len(damaged))] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
        with open(path, "wb") as file:
            file.write(damaged)
        lines = checker.run(path)["interpreter"]
        if not lines or not lines[0].startswith("refused: "):
            continue
        words = lines[0].removeprefix("refused: ")
        # "invalid module at byte 0x3ab: type mismatch: expected i32, …": two words are the reason.
        reason = " ".join(words.split(": ")[1].split()[:2])
        if counts.get(reason, 0) == PER_REASON:
            continue
        try:
            wasmtime.Module.validate(engine, bytes(damaged))
        except wasmtime.WasmtimeError:
            counts[reason] = counts.get(reason, 0) + 1
            chosen.append((f"{name}-{number}", bytes(damaged), [words]))
    return chosen


def main():
    program, tools, target = sys.argv[1:]
    checker = Checker(program, ["interpreter"])
    engine = make_engine()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "module.wasm")
        smith = Smith(tools, folder)
        valid = choose_valid([Binaryen(folder), smith, smith, smith], checker, engine, tools, path)
        invalid = choose_invalid(valid, checker, engine, path)
    for kind, modules in ("valid", valid), ("invalid", invalid):
        for name, module, lines in modules:
            write(os.path.join(target, kind), name, module, lines)
        print(f"{kind}: {len(modules)} modules, {sum(len(m) for _, m, _ in modules)} bytes")


if __name__ == "__main__":
    main()
