"""hello from exec to exit: wall and CPU milliseconds, swiftlet beside wasmtime (precompiled) and wasmkit; then the
sandbox process alone: to hello's first call of the host; and whole runs of hello and of a module that does nothing."""
import os
import shutil
import subprocess
import time

from measure import ROOT, SWIFTLET, VENV, WORK, interleaved, median

ROUNDS = 40

hello = os.path.join(ROOT, ".build", "guests", "hello.wasm")
nothing = os.path.join(WORK, "nothing.wat")
with open(nothing, "w") as file:
    file.write('(module (memory (export "memory") 1) (func (export "_start")))\n')
subprocess.run([os.path.join(VENV, "wasm-tools"), "parse", nothing, "-o", nothing[:-3] + "wasm"], check=True)
nothing = nothing[:-3] + "wasm"
precompiled = os.path.join(WORK, "hello.cwasm")
subprocess.run([os.path.join(VENV, "wasmtime"), "compile", hello, "-o", precompiled], check=True)
commands = {
    "swiftlet run": [SWIFTLET, "run", hello],
    "wasmtime run, precompiled": [os.path.join(VENV, "wasmtime"), "run", "--allow-precompiled", precompiled],
    "wasmkit run": [shutil.which("wasmkit"), "run", hello],
    "/bin/true": ["/bin/true"],
}
result = interleaved(commands, rounds=ROUNDS, warmup=3)
print("| hello, exec to exit | wall ms (median) | wall ms (min) | CPU ms (median) | CPU ms (min) |")
print("|---|---|---|---|---|")
for name, runs in result.items():
    walls = [wall * 1e3 for wall, _ in runs]
    cpus = [cpu * 1e3 for _, cpu in runs]
    print(f"| {name} | {median(walls):.1f} | {min(walls):.1f} | {median(cpus):.1f} | {min(cpus):.1f} |")

# hello's first call of the host is to write, and its pipe is full: there it waits, and the kernel tells what its process
# has used from its fork on (proc(5), /proc/PID/schedstat), the few instructions of the guest before that call included.
WRITES_AND_WAITS = {"1", "7", "20", "232", "271", "281"}  # write, poll, writev, epoll_wait, ppoll, epoll_pwait on x86-64


def until_it_waits(command):
    """CPU milliseconds and page faults of the only child of `command` when it waits for room in its full pipe."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for size in (4096, 1):
        try:
            while True:
                os.write(writer, b"x" * size)
        except BlockingIOError:
            pass
    os.set_blocking(writer, True)
    supervisor = subprocess.Popen(command, stdout=writer, stderr=subprocess.DEVNULL)
    os.close(writer)
    found = None
    for _ in range(100):
        time.sleep(0.01)
        with open(f"/proc/{supervisor.pid}/task/{supervisor.pid}/children") as file:
            children = file.read().split()
        if not children:
            continue
        process = f"/proc/{children[0]}"
        with open(f"{process}/syscall") as call, open(f"{process}/schedstat") as used, open(f"{process}/stat") as state:
            fields = state.read().rsplit(")", 1)[1].split()
            if call.read().split()[0] in WRITES_AND_WAITS and fields[0] == "S":
                found = int(used.read().split()[0]) / 1e6, int(fields[7])
                break
    while os.read(reader, 65536):
        pass
    supervisor.wait()
    os.close(reader)
    return found


if os.uname().machine == "x86_64":
    runs = [run for run in (until_it_waits([SWIFTLET, "run", hello]) for _ in range(2 * ROUNDS)) if run]
    cpus = [cpu for cpu, _ in runs]
    print("\n| the sandbox, from its fork to hello's first call of the host | CPU ms (median) | CPU ms (min) | page faults |")
    print("|---|---|---|---|")
    print(f"| {len(runs)} runs | {median(cpus):.2f} | {min(cpus):.2f} | {median([faults for _, faults in runs]):.0f} |")

# A program in the sandbox's place that starts the sandbox and notes what it used. Its environment is what the supervisor
# gives a sandbox, so its places are written into it.
record = os.path.join(WORK, "sandbox-usage")
stand_in = os.path.join(WORK, "stand-in")
with open(stand_in, "w") as file:
    file.write(f"""#!{shutil.which("python3")} -SEI
import os, sys
child = os.posix_spawn({os.path.join(ROOT, ".build", "release", "swiftlet-sandbox")!r}, sys.argv, os.environ)
_, status, usage = os.wait4(child, 0)
with open({record!r}, "a") as record:
    record.write(f"{{usage.ru_utime + usage.ru_stime}} {{usage.ru_minflt}}\\n")
os._exit(os.waitstatus_to_exitcode(status))
""")
os.chmod(stand_in, 0o755)
print("\n| the sandbox, exec to exit | CPU ms (median) | CPU ms (min) | page faults |")
print("|---|---|---|---|")
for name, module in {"nothing": nothing, "hello": hello}.items():
    if os.path.exists(record):
        os.remove(record)
    environment = dict(os.environ, SWIFTLET_SANDBOX=stand_in)
    for _ in range(ROUNDS):
        subprocess.run([SWIFTLET, "run", module], env=environment, stdout=subprocess.DEVNULL, check=True)
    with open(record) as file:
        runs = [line.split() for line in file]
    cpus = [float(cpu) * 1e3 for cpu, _ in runs]
    print(f"| {name} | {median(cpus):.2f} | {min(cpus):.2f} | {median([int(faults) for _, faults in runs]):.0f} |")
