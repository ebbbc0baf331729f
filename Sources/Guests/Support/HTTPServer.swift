// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: a single-threaded HTTP/1.1 server on poll_oneoff, with keep-alive and a graceful end.

struct Request {
    var method: Bytes
    var path: Bytes
    var body: Bytes
}

struct Response {
    var status: Int
    var reason: StaticString
    /// JSON.
    var body: Bytes
}

/// LIMIT: connections served at one time; the next ones wait in the listen backlog.
private let connectionsMax = 200
/// LIMIT: bytes of one request; more is answered with 413.
private let requestBytesMax = 64 * 1024

private struct Connection {
    var fd: Int32
    var input: Bytes = []
    var output: Bytes = []
    var sent = 0
    var closesAfterOutput = false
}

/// What the bytes received so far amount to.
private enum Parsed {
    case incomplete
    case request(Request, length: Int, keepsAlive: Bool)
    case bad(Response)
}

struct HTTPServer {
    private let listener: Int32
    private let handler: (Request) -> Response
    private var connections: [Connection] = []
    private var isAccepting = true

    /// Listens on all addresses of the pod. Returns nil with the errno written to stderr when the port is not to be had.
    init?(port: Int32, handler: @escaping (Request) -> Response) {
        var fd: Int32 = -1
        var anyAddress: UInt32 = 0
        var errno = sock_open(1, 2, &fd)
        if errno == Errno.success {
            errno = withUnsafeMutablePointer(to: &anyAddress) { buffer in
                var descriptor = (address(of: buffer), UInt32(4))
                return sock_bind(fd, &descriptor, port)
            }
        }
        if errno == Errno.success { errno = sock_listen(fd, 128) }
        if errno == Errno.success { errno = fd_fdstat_set_flags(fd, 4) }
        guard errno == Errno.success else {
            var message = Bytes.text("cannot listen on port ")
            message.add(Int(port))
            message.add(": errno ")
            message.add(Int(errno))
            write(message + [10], to: 2)
            return nil
        }
        listener = fd
        self.handler = handler
    }

    /// Serves until the supervisor asks to stop and the last request in flight is answered.
    mutating func run() {
        while isAccepting || !connections.isEmpty {
            var poll = Poll()
            if isAccepting, connections.count < connectionsMax { poll.add(readable: listener, userdata: -1 & 0xFFFF) }
            for index in connections.indices {
                if connections[index].output.isEmpty {
                    poll.add(readable: connections[index].fd, userdata: index)
                } else {
                    poll.add(writable: connections[index].fd, userdata: index)
                }
            }
            for event in poll.wait() {
                if event.userdata == 0xFFFF {
                    acceptAll(event)
                } else if event.userdata < connections.count {
                    advance(event.userdata)
                }
            }
            connections.removeAll { $0.fd < 0 }
        }
    }

    private mutating func acceptAll(_ event: Poll.Event) {
        while connections.count < connectionsMax {
            var fd: Int32 = -1
            let errno = sock_accept(listener, 4, &fd)
            if errno == Errno.success {
                connections.append(Connection(fd: fd))
                continue
            }
            if errno == Errno.canceled || (event.isHangUp && errno != Errno.again) { stopAccepting() }
            return
        }
    }

    /// The supervisor asked to stop: idle keep-alive connections have nothing left to come.
    private mutating func stopAccepting() {
        isAccepting = false
        _ = fd_close(listener)
        for index in connections.indices where connections[index].input.isEmpty && connections[index].output.isEmpty {
            close(index)
        }
    }

    private mutating func close(_ index: Int) {
        _ = fd_close(connections[index].fd)
        connections[index].fd = -1
    }

    private mutating func advance(_ index: Int) {
        if connections[index].fd < 0 { return }
        if connections[index].output.isEmpty, !receive(index) { return close(index) }
        answer(index)
        if !send(index) { close(index) }
    }

    /// False when the connection is over.
    private mutating func receive(_ index: Int) -> Bool {
        let buffer = Pointer.allocate(byteCount: 8192, alignment: 1)
        defer { buffer.deallocate() }
        var iov = (address(of: buffer), UInt32(8192))
        var received: UInt32 = 0
        var flags: UInt32 = 0
        let errno = sock_recv(connections[index].fd, &iov, 1, 0, &received, &flags)
        if errno == Errno.again { return true }
        guard errno == Errno.success, received > 0 else { return false }
        connections[index].input.append(
            contentsOf: UnsafeRawBufferPointer(start: buffer, count: Int(received)))
        return true
    }

    private mutating func answer(_ index: Int) {
        switch parse(connections[index].input) {
        case .incomplete:
            return
        case .bad(let response):
            connections[index].input = []
            respond(index, response, keepsAlive: false)
        case .request(let request, let length, let keepsAlive):
            connections[index].input.removeFirst(length)
            respond(index, handler(request), keepsAlive: keepsAlive && isAccepting)
        }
    }

    private mutating func respond(_ index: Int, _ response: Response, keepsAlive: Bool) {
        var head = Bytes.text("HTTP/1.1 ")
        head.add(response.status)
        head.add(" ")
        head.add(response.reason)
        head.add("\r\ncontent-type: application/json\r\ncontent-length: ")
        head.add(response.body.count)
        head.add(keepsAlive ? "\r\n\r\n" : "\r\nconnection: close\r\n\r\n")
        connections[index].output = head + response.body
        connections[index].sent = 0
        connections[index].closesAfterOutput = !keepsAlive
    }

    /// Sends what the socket takes; false when the connection is over.
    private mutating func send(_ index: Int) -> Bool {
        let fd = connections[index].fd
        while connections[index].sent < connections[index].output.count {
            let sent = connections[index].sent
            var count: UInt32 = 0
            let errno = connections[index].output.withUnsafeBytes { buffer -> Int32 in
                guard let base = buffer.baseAddress else { return -1 }
                var iov = (address(of: base + sent), UInt32(buffer.count - sent))
                return sock_send(fd, &iov, 1, 0, &count)
            }
            if errno == Errno.again { return true }
            guard errno == Errno.success else { return false }
            connections[index].sent += Int(count)
        }
        if connections[index].output.isEmpty { return true }
        connections[index].output = []
        return !connections[index].closesAfterOutput
    }
}

/// Splits one request off the front of `input`.
private func parse(_ input: Bytes) -> Parsed {
    guard let headEnd = endOfHead(input) else {
        return input.count > requestBytesMax ? .bad(problem(413, "Payload Too Large")) : .incomplete
    }
    guard let firstSpace = input.firstIndex(of: 32),
        let secondSpace = input[(firstSpace + 1)..<headEnd].firstIndex(of: 32)
    else { return .bad(problem(400, "Bad Request")) }
    let head = Bytes(input[..<headEnd])
    var bodyCount = 0
    if let length = header("content-length:", in: head) {
        guard let value = integer(length), value <= requestBytesMax else {
            return .bad(problem(413, "Payload Too Large"))
        }
        bodyCount = value
    }
    let total = headEnd + 4 + bodyCount
    guard input.count >= total else { return .incomplete }
    let connection = header("connection:", in: head) ?? []
    let target = Bytes(input[(firstSpace + 1)..<secondSpace])
    let path = target.firstIndex(of: UInt8(ascii: "?")).map { Bytes(target[..<$0]) } ?? target
    let request = Request(
        method: Bytes(input[..<firstSpace]), path: path, body: Bytes(input[(headEnd + 4)..<total]))
    return .request(request, length: total, keepsAlive: !connection.starts(with: "close"))
}

private func problem(_ status: Int, _ reason: StaticString) -> Response {
    Response(status: status, reason: reason, body: .text("{\"error\":\"request refused\"}"))
}

private func endOfHead(_ input: Bytes) -> Int? {
    guard input.count >= 4 else { return nil }
    for index in 0...(input.count - 4)
    where input[index] == 13 && input[index + 1] == 10 && input[index + 2] == 13 && input[index + 3] == 10 {
        return index
    }
    return nil
}

/// The value of a header whose lower-case name with its colon is `name`, without surrounding blanks.
private func header(_ name: StaticString, in head: Bytes) -> Bytes? {
    var lineStart = 0
    while lineStart < head.count {
        let lineEnd = head[lineStart...].firstIndex(of: 13) ?? head.count
        if lineEnd - lineStart >= name.utf8CodeUnitCount {
            var matches = true
            for index in 0..<name.utf8CodeUnitCount where lowercase(head[lineStart + index]) != name.utf8Start[index] {
                matches = false
            }
            if matches {
                var value = Bytes(head[(lineStart + name.utf8CodeUnitCount)..<lineEnd])
                while value.first == 32 { value.removeFirst() }
                while value.last == 32 { value.removeLast() }
                return value
            }
        }
        lineStart = lineEnd + 2
    }
    return nil
}

private func lowercase(_ byte: UInt8) -> UInt8 { byte >= 65 && byte <= 90 ? byte + 32 : byte }
