"""Makes modules. Number k is always the same one, as long as the generators have the same version."""
import os
import random
import subprocess

# Feature of the checker: option of wasm-tools smith.
SMITH_FEATURES = {
    "simd": "--simd-enabled", "relaxed-simd": "--relaxed-simd-enabled", "tail-call": "--tail-call-enabled",
    "memory64": "--memory64-enabled", "exception-handling": "--exceptions-enabled", "gc": "--gc-enabled",
    "extended-const": "--extended-const-enabled", "threads": "--threads-enabled",
    "wide-arithmetic": "--wide-arithmetic-enabled", "custom-page-sizes": "--custom-page-sizes-enabled",
}

# Features of the checker that wasm-opt calls the same. Its references and exceptions are those of drafts in version
# 108, Debian's; the other generator has the final ones.
BINARYEN_FEATURES = ("simd", "tail-call", "multivalue", "sign-ext", "bulk-memory")


class Smith:
    """wasm-tools smith: any valid module, with imports left out and NaNs made one."""

    name = "smith"

    def __init__(self, tools, folder):
        self.tools = tools
        self.exports = os.path.join(folder, "exports.wasm")
        self.seed = os.path.join(folder, "seed")
        source = os.path.join(os.path.dirname(__file__), "exports.wat")
        subprocess.run([tools, "parse", source, "-o", self.exports], check=True)

    def make(self, number, features, path):
        """The options turn with the number, so that each feature is met with and without the others."""
        chance = random.Random(number)
        options = ["--ensure-termination", "--fuel", "400", "--max-imports", "0", "--canonicalize-nans", "true",
                   "--memory-max-size-required", "true", "--table-max-size-required", "true",
                   "--max-memory32-bytes", str(4 << 16), "--max-memory64-bytes", str(4 << 16),
                   "--max-table-elements", "500", "--generate-custom-sections", "false", "--min-funcs", "1",
                   "--compact-imports-enabled", "false", "--custom-descriptors-enabled", "false",
                   "--shared-everything-threads-enabled", "false",
                   "--max-memories", str(chance.choice([1, 1, 1, 3]) if "multi-memory" in features else 1),
                   "--max-instructions", str(chance.choice([50, 200, 200, 1000])),
                   "--max-funcs", str(chance.choice([2, 5, 20]))]
        for feature, option in SMITH_FEATURES.items():
            options += [option, "true" if feature in features and chance.random() < 0.6 else "false"]
        options += ["--exports", self.exports] if number % 2 else ["--export-everything", "true"]
        data = chance.randbytes(chance.choice([300, 1000, 4000, 12000]))
        return spawn([self.tools, "smith", self.seed, "-o", path] + options, self.seed, data)


class Binaryen:
    """wasm-opt --translate-to-fuzz: fewer features, longer functions, more loops and memory; at times optimised."""

    name = "binaryen"

    def __init__(self, folder):
        self.seed = os.path.join(folder, "seed")

    def make(self, number, features, path):
        chance = random.Random(number)
        options = ["--enable-mutable-globals", "--enable-nontrapping-float-to-int"]
        options += [f"--enable-{feature}" for feature in BINARYEN_FEATURES
                    if feature in features and chance.random() < 0.7]
        options += ["--denan", "--remove-imports"] + chance.choice([[], [], ["-O1"], ["-O3"]])
        data = chance.randbytes(chance.choice([1000, 4000, 12000, 20000]))
        return spawn(["wasm-opt", self.seed, "-ttf", "-q", "-o", path] + options, self.seed, data)


def spawn(command, seed_path, seed):
    """Whether the command succeeded. Without the pipes and threads of `subprocess`: it is done for each module."""
    with open(seed_path, "wb") as file:
        file.write(seed)
    process = os.posix_spawnp(command[0], command, os.environ, file_actions=[
        (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0), (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    return os.waitpid(process, 0)[1] == 0
