"""swiftlet-oci beside runc, and the shim beside runc's: alone (driven by the mock containerd of the tests) and under a
containerd of its own."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from measure import ROOT, ROUNDS, interleaved, median

BUILD = os.path.join(ROOT, ".build", "release")
GUESTS = os.path.join(ROOT, ".build", "guests")
REFERENCE = "docker.io/swiftlet/bench:1"
TASKS = int(os.environ.get("SWIFTLET_BENCH_TASKS", "1000"))
folder = tempfile.mkdtemp(prefix="swl-bench-")
memory = tempfile.mkdtemp(prefix="swl-bench-", dir="/dev/shm")


def bundle(name, arguments):
    path = os.path.join(folder, name)
    rootfs = os.path.join(path, "rootfs")
    os.makedirs(rootfs)
    for guest in ("hello.wasm", "ignore-stop.wasm"):
        shutil.copy(os.path.join(GUESTS, guest), rootfs)
    shutil.copy(shutil.which("busybox"), rootfs)
    kinds = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount", "network")]
    mounts = [{"destination": "/proc", "type": "proc", "source": "proc"}]
    spec = {
        "ociVersion": "1.0.2", "process": {"args": arguments, "cwd": "/", "user": {"uid": 0, "gid": 0}},
        "root": {"path": "rootfs"}, "mounts": mounts,
        "linux": {"namespaces": kinds, "cgroupsPath": f"/swiftlet-bench-{os.getpid()}/{name}"},
    }
    with open(os.path.join(path, "config.json"), "w") as file:
        json.dump(spec, file)
    return path


def image():
    """A docker-like archive of one layer with both programs."""
    import hashlib
    import io
    import tarfile

    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        tar.add(os.path.join(GUESTS, "hello.wasm"), "hello.wasm")
        tar.add(shutil.which("busybox"), "busybox")
    layer = layer.getvalue()

    def digest(data):
        return "sha256:" + hashlib.sha256(data).hexdigest()

    config = json.dumps({
        "architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/"]},
        "rootfs": {"type": "layers", "diff_ids": [digest(layer)]},
    }).encode()
    kind = "application/vnd.oci.image"
    manifest = json.dumps({
        "schemaVersion": 2, "mediaType": f"{kind}.manifest.v1+json",
        "config": {"mediaType": f"{kind}.config.v1+json", "digest": digest(config), "size": len(config)},
        "layers": [{"mediaType": f"{kind}.layer.v1.tar", "digest": digest(layer), "size": len(layer)}],
    }).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{
        "mediaType": f"{kind}.manifest.v1+json", "digest": digest(manifest), "size": len(manifest),
        "platform": {"os": "linux", "architecture": "amd64"},
        "annotations": {"io.containerd.image.name": REFERENCE},
    }]}).encode()
    path = os.path.join(folder, "image.tar")
    with tarfile.open(path, "w") as tar:
        files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
        files.update({f"blobs/sha256/{digest(data)[7:]}": data for data in (config, manifest, layer)})
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def containerd():
    plugins = [
        "grpc.v1.cri", "snapshotter.v1.btrfs", "snapshotter.v1.zfs", "snapshotter.v1.devmapper",
        "snapshotter.v1.aufs", "internal.v1.opt", "internal.v1.tracing", "tracing.processor.v1.otlp",
    ]
    config = os.path.join(folder, "config.toml")
    with open(config, "w") as file:
        file.write(
            f'version = 2\nroot = "{folder}/ctrd"\nstate = "{folder}/state"\n'
            f"disabled_plugins = {json.dumps(['io.containerd.' + name for name in plugins])}\n"
            f'[grpc]\n  address = "{folder}/c.sock"\n')
    environment = dict(os.environ, PATH=f"{BUILD}:{os.environ['PATH']}:/usr/sbin")
    with open(os.path.join(folder, "log"), "w") as log:
        daemon = subprocess.Popen(["containerd", "-c", config], env=environment, stdout=log, stderr=log)
    for _ in range(200):
        if subprocess.run(["ctr", "-a", f"{folder}/c.sock", "version"], capture_output=True).returncode == 0:
            return daemon
        time.sleep(0.05)
    raise SystemExit("containerd does not answer: " + open(os.path.join(folder, "log")).read()[-2000:])


def table(title, commands):
    result = interleaved(commands, rounds=max(ROUNDS * 4, 10), warmup=2)
    print(f"| {title} | wall ms (median) | wall ms (min) | CPU ms (median) |\n|---|---|---|---|")
    for name, runs in result.items():
        walls = [wall * 1e3 for wall, _ in runs]
        print(f"| {name} | {median(walls):.1f} | {min(walls):.1f} | {median([cpu * 1e3 for _, cpu in runs]):.1f} |")
    names = list(commands)
    if all(name in result for name in names):
        ratio = median([a[0] / b[0] for a, b in zip(result[names[0]], result[names[1]])])
        print(f"\nMedian of the ratios: {ratio:.2f}\n")
    sys.stdout.flush()


SHIMS = {
    "Swiftlet's shim": (f"{BUILD}/containerd-shim-swiftlet-v1", ["/hello.wasm"], ["/ignore-stop.wasm"]),
    "runc's shim": (
        shutil.which("containerd-shim-runc-v2") or "", ["/busybox", "echo", "hello"], ["/busybox", "sleep", "1000"]),
}


def mock(shim, arguments, mode, count, group=None):
    """Starts the mock containerd; each one has a bundle, and so a root file system, of its own."""
    name = f"mock{len(os.listdir(memory))}"
    with open(os.path.join(bundle(name, arguments), "config.json")) as file:
        spec = json.load(file)
    spec["root"]["path"] = os.path.join(folder, name, "rootfs")
    spec["linux"]["cgroupsPath"] = f"/swiftlet-bench-{os.getpid()}/@"
    spec["annotations"] = {"io.containerd.runc.v2.group": group} if group else {}
    state = os.path.join(memory, name)
    os.mkdir(state)
    config = os.path.join(state, "config.json")
    with open(config, "w") as file:
        json.dump(spec, file)
    command = [f"{BUILD}/ShimBench", shim, config, f"{state}/d", mode, str(count)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def finished(process):
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"{process.args} failed")
    return output


def private(process):
    """KiB that nobody else has."""
    with open(f"/proc/{process}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private"))


def shims():
    print("| without containerd | Create | Start to exit | Delete | together | min |\n|---|---|---|---|---|---|")
    for name, (shim, hello, _) in SHIMS.items():
        output = finished(mock(shim, hello, "calls", 100, group=f"bench-{os.getpid()}"))
        rows = [[int(word) / 1e3 for word in line.split()] for line in output.splitlines()]
        parts = " | ".join(f"{median([row[i] for row in rows]):.1f}" for i in range(3))
        together = [sum(row) for row in rows]
        print(f"| {name} | {parts} | {median(together):.1f} | {min(together):.1f} |")
    print("\nMilliseconds of a container in a pod that is there; `start` of the shim's program is part of Create.\n")
    print("| 4 at a time, a shim each | tasks | tasks/s |\n|---|---|---|")
    for name, (shim, hello, _) in SHIMS.items():
        begin = time.perf_counter()
        for process in [mock(shim, hello, "tasks", TASKS // 4) for _ in range(4)]:
            finished(process)
        print(f"| {name} | {TASKS} | {TASKS / (time.perf_counter() - begin):.1f} |")
    print("\n| 20 idle pods | private KiB of shim | of the container's process |\n|---|---|---|")
    for name, (shim, _, idle) in SHIMS.items():
        process = mock(shim, idle, "idle", 20)
        pods = [process.stdout.readline().split() for _ in range(20)]
        time.sleep(1)
        columns = " | ".join(str(median([private(pod[i]) for pod in pods])) for i in range(2))
        print(f"| {name} | {columns} |")
        finished(process)
    print()
    sys.stdout.flush()


daemon = None
try:
    # Both keep their state in memory, as they do in /run of a machine that runs containers.
    table("hello from a bundle", {
        "`swiftlet-oci run`": [
            f"{BUILD}/swiftlet-oci", "--root", f"{memory}/oci", "run", "-b", bundle("wasm", ["/hello.wasm"]), "wasm"],
        "`runc run`": [
            "runc", "--root", f"{memory}/runc", "run", "-b", bundle("native", ["/busybox", "echo", "hello"]), "native"],
    })
    shims()
    daemon = containerd()
    ctr = ["ctr", "-a", f"{folder}/c.sock"]
    subprocess.run(ctr + ["image", "import", image()], check=True, capture_output=True)
    table("`ctr run --rm` hello", {
        "swiftlet": ctr + ["run", "--rm", "--runtime", "io.containerd.swiftlet.v1", REFERENCE, "w", "/hello.wasm"],
        "runc": ctr + ["run", "--rm", REFERENCE, "n", "/busybox", "echo", "hello"],
    })
finally:
    if daemon:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(20)
    subprocess.run(["umount", "-l"] + [
        line.split()[4] for line in open("/proc/self/mountinfo") if line.split()[4].startswith(folder)
    ], capture_output=True)
    for hierarchy in os.listdir("/sys/fs/cgroup"):
        try:
            os.rmdir(f"/sys/fs/cgroup/{hierarchy}/swiftlet-bench-{os.getpid()}")
        except OSError:
            pass
    for path in (folder, memory):
        shutil.rmtree(path, ignore_errors=True)
