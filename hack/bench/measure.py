"""Whole-process measurements: wall and CPU seconds of a command and everything it waited for, interleaved rounds."""
import os
import resource
import statistics
import subprocess
import sys
import time

ROUNDS = int(os.environ.get("SWIFTLET_BENCH_ROUNDS", "5"))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SHARED = os.environ.get("SWIFTLET_SHARED", os.path.join(ROOT, "..", "shared"))
VENV = os.path.join(ROOT, ".build", "bench", "venv", "bin")
SWIFTLET = os.path.join(ROOT, ".build", "release", "swiftlet")
WORK = os.path.join(ROOT, ".build", "bench")


def run_once(command, cwd=None, timeout=300):
    """Wall seconds, CPU seconds (children included), exit code, stdout, stderr of one run."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    try:
        done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout)
        code, out, err = done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired:
        code, out, err = "timeout", b"", b""
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return wall, cpu, code, out, err


def interleaved(commands, rounds=ROUNDS, cwd=None, warmup=1):
    """{name: [(wall, cpu), …]}; a command that fails once is left out, with its message on stderr."""
    results = {name: [] for name in commands}
    for round_number in range(rounds + warmup):
        for name, command in commands.items():
            if results[name] is None:
                continue
            wall, cpu, code, _, err = run_once(command, cwd)
            if code != 0:
                print(f"{name}: exit {code}: {err[-200:].decode(errors='replace')}", file=sys.stderr)
                results[name] = None
            elif round_number >= warmup:
                results[name].append((wall, cpu))
    return {name: value for name, value in results.items() if value}


def median(values):
    return statistics.median(values)


def geometric_mean(values):
    return statistics.geometric_mean(values) if values else float("nan")
