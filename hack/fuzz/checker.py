"""The process that runs modules in Swiftlet's engine (Tests/Support/EngineCheck)."""
import os
import select
import subprocess

STALL_SECONDS = 20


class Checker:
    """The checker process; started again after it ended."""

    def __init__(self, path, tiers):
        self.command = [path] + tiers
        self.tiers = tiers
        self.process = None
        self.pending = b""
        self.features = []
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.pending = b""
        self.features = self.line().removeprefix("features: ").split(", ")

    def line(self):
        while b"\n" not in self.pending:
            if not select.select([self.process.stdout], [], [], STALL_SECONDS)[0]:
                raise TimeoutError("no answer")
            read = os.read(self.process.stdout.fileno(), 1 << 16)
            if not read:
                raise EOFError(f"the checker ended: {self.process.wait()}")
            self.pending += read
        line, self.pending = self.pending.split(b"\n", 1)
        return line.decode("utf-8", "backslashreplace")

    def run(self, path):
        """What the module does in each of the tiers, by its name: lines."""
        accounts = {tier: [] for tier in self.tiers}
        current = []
        try:
            self.process.stdin.write(path.encode() + b"\n")
            self.process.stdin.flush()
            while (line := self.line()) != "end":
                if line.removesuffix(":") in accounts:
                    current = accounts[line.removesuffix(":")]
                else:
                    current.append(line)
        except (EOFError, TimeoutError, BrokenPipeError) as error:
            current.append(f"checker: {error}")
            self.process.kill()
            self.process.wait()
            self.start()
        return accounts
