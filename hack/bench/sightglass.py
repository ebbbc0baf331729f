"""Makes programs of the sightglass suite runnable by any engine: their imports bench.start and bench.end become
functions of the module that do nothing (through the text format with generated names)."""
import glob
import os
import re
import subprocess

from measure import SHARED, VENV, WORK

IMPORT = re.compile(r'^\s*\(import "bench" "(?:start|end)" \(func (\$\S+) (?:\(;\d+;\) )?\(type (\$\S+)\)\)\)\n', re.M)
# Programs that wabt cannot read; wasm-tools can.
NEEDS_WASM_TOOLS = {"splay"}


def standalone(source):
    """Path of the rewritten module, made once."""
    relative = os.path.relpath(source, os.path.join(SHARED, "testdata", "sightglass"))
    target = os.path.join(WORK, "sightglass", relative)
    if os.path.exists(target):
        return target
    os.makedirs(os.path.dirname(target), exist_ok=True)
    if os.path.basename(os.path.dirname(source)) in NEEDS_WASM_TOOLS:
        tool = os.path.join(VENV, "wasm-tools")
        printer, assembler = [tool, "print", "--name-unnamed", source], [tool, "parse"]
    else:
        printer = [os.path.join(VENV, "wasm2wat"), "--enable-all", "--generate-names", source]
        assembler = [os.path.join(VENV, "wat2wasm")]
    text = subprocess.run(printer, check=True, capture_output=True, text=True).stdout
    functions = "".join(f"  (func {name} (type {kind}))\n" for name, kind in IMPORT.findall(text))
    text = IMPORT.sub("", text)
    end = text.rstrip().rfind(")")
    with open(target + ".wat", "w") as file:
        file.write(text[:end] + functions + ")\n")
    subprocess.run([*assembler, target + ".wat", "-o", target], check=True)
    os.remove(target + ".wat")
    return target


def programs():
    """(name, folder with the inputs, module) of every program whose inputs are here."""
    base = os.path.join(SHARED, "testdata", "sightglass")
    skipped = {
        "pulldown-cmark": "input not here", "rust-json": "input not here",
        "blind-sig": "minutes in any interpreter", "cm-online-stats": "library", "noop": "nothing to measure",
    }
    for source in sorted(glob.glob(os.path.join(base, "**", "*.wasm"), recursive=True)):
        folder = os.path.dirname(source)
        name = os.path.basename(source).removesuffix(".wasm")
        if os.path.basename(folder) in skipped:
            continue
        yield (os.path.basename(folder) if name == "benchmark" else name), folder, source
