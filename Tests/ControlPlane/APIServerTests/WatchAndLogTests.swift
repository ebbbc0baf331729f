// SPDX-License-Identifier: Apache-2.0
// Swiftlet: tests of what streams: watches and logs.
import APIClient
import APIServer
import Glibc
import KubernetesAPI
import ObjectStore
import Synchronization
import Testing

private struct Enough: Error {}

/// Lines of a streamed response until there are `count` of them.
///
/// `onLine` is called with each line's number; what it changes happens while the response is open.
private func lines(
    _ server: ServerFixture, _ path: String, accept: String = "application/json", count: Int,
    onLine: (Int) throws -> Void = { _ in }
) async throws -> [JSONValue] {
    var pending: [UInt8] = []
    var found: [JSONValue] = []
    do {
        try await server.client.stream(APIClient.Request("GET", path, accept: accept)) { chunk in
            pending += chunk
            while let newline = pending.firstIndex(of: 10) {
                found.append(try KubernetesJSON.decode(JSONValue.self, from: Array(pending[..<newline])))
                pending.removeFirst(newline + 1)
                try onLine(found.count)
                if found.count == count { throw Enough() }
            }
        }
    } catch is Enough {}
    return found
}

@Suite(.timeLimit(.minutes(2))) struct `A watch over the API` {
    @Test func `begins with what there is and goes on with changes`() async throws {
        try await withServer { server in
            try server.store.create(makePod("a"))
            let events = try await lines(server, "\(podsPath)?watch=true", count: 3) { line in
                guard line == 1 else { return }
                try server.store.modify(Pod.self, namespace: "default", name: "a") { $0.status.phase = .running }
                try server.store.delete(Pod.self, namespace: "default", name: "a")
            }
            #expect(events.map { $0["type"]?.stringValue } == ["ADDED", "MODIFIED", "DELETED"])
            #expect(events[1]["object"]?["status"]?["phase"]?.stringValue == "Running")
        }
    }

    @Test func `replays from a version, filters, and shows objects entering and leaving the filter`() async throws {
        try await withServer { server in
            let version = server.store.resourceVersion
            try server.store.create(makePod("a"))
            try server.store.create(makePod("b"))
            try server.store.modify(Pod.self, namespace: "default", name: "a") { $0.metadata.labels["app"] = "x" }
            try server.store.modify(Pod.self, namespace: "default", name: "a") { $0.metadata.labels["app"] = "web" }
            try server.store.modify(Pod.self, namespace: "default", name: "b") { $0.status.phase = .running }
            let query = "watch=1&resourceVersion=\(version)&labelSelector=app%3Dweb&timeoutSeconds=1"
            let events = try await lines(server, "\(podsPath)?\(query)", count: 10)
            let seen = events.map {
                "\($0["type"]?.stringValue ?? "") \($0["object"]?["metadata"]?["name"]?.stringValue ?? "")"
            }
            #expect(seen == ["ADDED a", "ADDED b", "DELETED a", "ADDED a", "MODIFIED b"])
        }
    }

    @Test func `sends tables to those who ask and tells when the initial events end`() async throws {
        try await withServer { server in
            try server.store.create(makePod("a"))
            let accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
            let rows = try await lines(server, "\(podsPath)?watch=true&timeoutSeconds=1", accept: accept, count: 1)
            #expect(rows.first?["object"]?["kind"]?.stringValue == "Table")
            #expect(rows.first?["object"]?["rows"]?.arrayValue?.count == 1)
            let query = "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan"
            let events = try await lines(server, "\(podsPath)?\(query)", count: 2)
            #expect(events.map { $0["type"]?.stringValue } == ["ADDED", "BOOKMARK"])
            let annotations = events.last?["object"]?["metadata"]?["annotations"]
            #expect(annotations?["k8s.io/initial-events-end"]?.stringValue == "true")
        }
    }

    @Test func `is expired when it starts before the history`() async throws {
        try await withServer { server in
            for index in 0..<8300 {
                try server.store.modify(Namespace.self, name: "default") { $0.metadata.labels["n"] = "\(index)" }
            }
            let answer = try await server.send("GET", "/api/v1/namespaces?watch=true&resourceVersion=2")
            #expect(answer.status == 410)
            #expect(try answer.object(Status.self).reason == "Expired")
        }
    }
}

@Suite(.timeLimit(.minutes(2))) struct `A log over the API` {
    /// Writes `lines` as a CRI log.
    static func write(_ path: String, _ lines: [String], append: Bool = false) {
        guard let file = fopen(path, append ? "a" : "w") else { return }
        for line in lines { fputs(line + "\n", file) }
        fclose(file)
    }

    static func line(_ second: Int, _ text: String, tag: String = "F") -> String {
        "2026-01-02T03:04:\(second < 10 ? "0" : "")\(second).000000000Z stdout \(tag) \(text)"
    }

    func withLog(_ body: (ServerFixture, String) async throws -> Void) async throws {
        var template = Array("/tmp/swl-log-XXXXXX".utf8CString)
        let folder = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
        let path = "\(folder)/0.log"
        defer {
            for suffix in ["", ".1", ".2"] { unlink(path + suffix) }
            rmdir(folder)
        }
        Self.write("\(path).2", [Self.line(1, "one"), Self.line(2, "two")])
        Self.write("\(path).1", [Self.line(3, "three"), Self.line(4, "fo", tag: "P"), Self.line(4, "ur")])
        Self.write(path, [Self.line(5, "five"), Self.line(6, "six")])
        try await withServer(logPath: { _, _, previous in previous ? nil : path }) { server in
            var pod = makePod()
            pod.status.phase = .running
            try server.store.create(pod)
            try server.store.modify(Pod.self, namespace: "default", name: "web-1") { pod in
                pod.status.containerStatuses = [
                    ContainerStatus(name: "app", state: ContainerState(running: ContainerStateRunning()))
                ]
            }
            try await body(server, path)
        }
    }

    @Test(arguments: [
        ("", "one\ntwo\nthree\nfour\nfive\nsix\n"), ("?tailLines=1", "six\n"),
        ("?tailLines=3", "four\nfive\nsix\n"), ("?tailLines=5&limitBytes=9", "two\nthree"), ("?tailLines=0", ""),
        ("?tailLines=100", "one\ntwo\nthree\nfour\nfive\nsix\n"), ("?sinceTime=2026-01-02T03:04:05Z", "five\nsix\n"),
        ("?sinceSeconds=1", ""),
        (
            "?tailLines=3&timestamps=true",
            """
            2026-01-02T03:04:04.000000000Z four
            2026-01-02T03:04:05.000000000Z five
            2026-01-02T03:04:06.000000000Z six\n
            """
        ),
    ]) func `shows what is asked for, across rotated files`(_ query: String, _ expected: String) async throws {
        try await withLog { server, _ in
            let answer = try await server.send("GET", "\(podsPath)/web-1/log\(query)")
            #expect(answer.text == expected)
        }
    }

    @Test func `is followed through a rotation until the container ends`() async throws {
        try await withLog { server, path in
            // Each step happens when the result of the one before has arrived.
            var text = ""
            let request = APIClient.Request("GET", "\(podsPath)/web-1/log?follow=true&tailLines=1")
            try await server.client.stream(request) { chunk in
                text += String(decoding: chunk, as: UTF8.self)
                switch text {
                case "six\n": Self.write(path, [Self.line(7, "seven")], append: true)
                case "six\nseven\n":
                    Self.write(path, [Self.line(8, "eight")], append: true)
                    rename(path, "\(path).1")
                    Self.write(path, [Self.line(9, "nine")])
                case "six\nseven\neight\nnine\n":
                    try server.store.modify(Pod.self, namespace: "default", name: "web-1") { pod in
                        pod.status.containerStatuses[0].state = ContainerState(terminated: ContainerStateTerminated())
                    }
                default: break
                }
            }
            #expect(text == "six\nseven\neight\nnine\n")
        }
    }

    @Test(arguments: [
        ("web-1/log?container=nope", 400, "container nope is not valid for pod web-1"),
        ("web-1/log?previous=true", 400, "previous terminated container \"app\" in pod \"web-1\" not found"),
        ("missing/log", 404, "pods \"missing\" not found"),
        ("web-1/log?tailLines=-3", 400, "tailLines: expected a number from 0, found \"-3\""),
        ("two/log", 400, "a container name must be specified for pod two, choose one of: [a b]"),
    ]) func `is refused with upstream's words`(_ path: String, _ code: Int, _ message: String) async throws {
        try await withLog { server, _ in
            try server.store.create(makePod("two", containers: ["a", "b"]))
            let answer = try await server.send("GET", "\(podsPath)/\(path)")
            #expect(answer.status == code)
            #expect(try answer.object(Status.self).message == message)
        }
    }
}
