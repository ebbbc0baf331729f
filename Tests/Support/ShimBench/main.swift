// SPDX-License-Identifier: Apache-2.0
// Swiftlet tests: the mock containerd as a benchmark: hack/bench/container.py calls it.
//
// usage: ShimBench SHIM CONFIG FOLDER tasks COUNT | calls COUNT | idle COUNT
//   tasks  whole tasks one after the other, each with a shim of its own: start, Create, Start, Wait, Delete, delete
//   calls  containers of one pod whose shim runs already; prints the microseconds of Create+Start, and of Delete
//   idle   pods of one running container; prints its processes and waits for the end of its input
import Glibc
import Linux
import MockContainerd

func microseconds() -> UInt64 { Clock.monotonicNanoseconds() / 1000 }

func fail(_ text: String) -> Never {
    try? Descriptors.writeAll(2, "ShimBench: \(text)\n")
    exit(1)
}

func main() throws {
    let words = CommandLine.arguments
    guard words.count == 6, let count = Int(words[5]) else { fail("see the head of its source for the arguments") }
    let daemon = try MockContainerd(.v1_7, path: words[3], shim: words[1])
    let config = try Files.readText(words[2], limit: 1 << 20)
    func make(_ id: String) throws -> MockTask {
        // Each container has a cgroup of its own name.
        let text = config.split(separator: "@", omittingEmptySubsequences: false).joined(separator: id)
        return try MockTask(daemon, id, config: Array(text.utf8))
    }
    switch words[4] {
    case "tasks":
        for number in 0..<count {
            let task = try make("t\(getpid())-\(number)")
            guard try task.run() == 0 else { fail("a task failed") }
            try task.delete()
        }
    case "calls":
        let keeper = try make("keeper\(getpid())")
        var lines = ""
        for number in 0..<count {
            let begin = microseconds()
            let task = try make("c\(getpid())-\(number)")
            let made = microseconds()
            guard try task.run() == 0 else { fail("a task failed") }
            let ended = microseconds()
            try task.delete(isLast: false)
            lines += "\(made - begin) \(ended - made) \(microseconds() - ended)\n"
        }
        try Descriptors.writeAll(1, lines)
        try keeper.kill(SIGKILL)
        try keeper.delete()
    case "idle":
        var tasks: [MockTask] = []
        for number in 0..<count {
            let task = try make("i\(getpid())-\(number)")
            try task.start()
            tasks.append(task)
        }
        for task in tasks { try Descriptors.writeAll(1, "\(try task.shimProcess()) \(task.pid)\n") }
        var byte: UInt8 = 0
        while read(0, &byte, 1) > 0 {}
        for task in tasks {
            try task.kill(SIGKILL)
            _ = try task.wait()
            try task.delete()
        }
    default: fail("unknown: \(words[4])")
    }
}

do { try main() } catch { fail("\(error)") }
