"""`swiftlet up` with 1 and with 100 replicas of wasm-api: time to Ready, private memory per process."""
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

from measure import ROOT, SWIFTLET, median


def manifest(replicas):
    text = open(os.path.join(ROOT, "manifests", "wasm-api.yaml")).read()
    text = text.replace("replicas: 3", f"replicas: {replicas}")
    return text.replace("../.build", os.path.join(ROOT, ".build"))


def ready_count(root):
    done = subprocess.run(
        [SWIFTLET, "get", "pods", "-o", "json", "--root", root], capture_output=True, text=True)
    if done.returncode != 0:
        return 0, []
    pods = json.loads(done.stdout)["items"]
    ready = [
        pod for pod in pods
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod.get("status", {}).get("conditions", []))
    ]
    return len(ready), pods


def private_kib(pid):
    total = 0
    with open(f"/proc/{pid}/smaps_rollup") as file:
        for line in file:
            if line.startswith(("Private_Clean", "Private_Dirty")):
                total += int(line.split()[1])
    return total


def processes(root_pid):
    """(title, pid) of all descendants; the sandboxes are children of the shims, which init adopted."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                title = file.read().split(b"\0")
        except OSError:
            continue
        yield [part.decode(errors="replace") for part in title], int(entry)


def measure(replicas):
    with tempfile.TemporaryDirectory(prefix="swiftlet-bench-") as folder:
        path = os.path.join(folder, "wasm-api.yaml")
        with open(path, "w") as file:
            file.write(manifest(replicas))
        root = os.path.join(folder, "root")
        start = time.perf_counter()
        with open(os.path.join(folder, "log"), "w") as log:
            up = subprocess.Popen([SWIFTLET, "up", "-f", path, "--root", root], stdout=log, stderr=log)
        try:
            pods = []
            while time.perf_counter() - start < 120:
                count, pods = ready_count(root)
                if count >= replicas:
                    break
                time.sleep(0.02)
            else:
                print(open(os.path.join(folder, "log")).read()[-2000:], file=sys.stderr)
                raise SystemExit(f"only {count} of {replicas} pods got Ready")
            elapsed = time.perf_counter() - start
            time.sleep(2)
            sandboxes = [private_kib(pid) for title, pid in processes(up.pid) if title[0].endswith("swiftlet-sandbox")]
            shims = [private_kib(pid) for title, pid in processes(up.pid) if re.search(r"shim", title[0])]
            return elapsed, sandboxes, shims
        finally:
            up.send_signal(signal.SIGINT)
            try:
                up.wait(60)
            except subprocess.TimeoutExpired:
                up.kill()


print("| replicas | exec of `up` → all Ready, s | private KiB per sandbox (median) | private KiB per shim (median) |")
print("|---|---|---|---|")
for replicas in (1, 3, 100):
    elapsed, sandboxes, shims = measure(replicas)
    print(f"| {replicas} | {elapsed:.2f} | {median(sandboxes):.0f} | {median(shims):.0f} |")
    sys.stdout.flush()
