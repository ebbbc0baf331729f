// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: asks the pod's own server, at 127.0.0.1 as in any pod.

/// The status code of `GET path` from the pod's own address, or nil when nobody answers.
func httpStatus(port: Int32, path: StaticString) -> Int? {
    var fd: Int32 = -1
    guard sock_open(1, 2, &fd) == Errno.success else { return nil }
    defer { _ = fd_close(fd) }
    var localhost: UInt32 = 0x0100_007F
    let connected = withUnsafeMutablePointer(to: &localhost) { buffer in
        var descriptor = (address(of: buffer), UInt32(4))
        return sock_connect(fd, &descriptor, port)
    }
    guard connected == Errno.success else { return nil }
    var request = Bytes.text("GET ")
    request.add(path)
    request.add(" HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
    write(request, to: fd)
    let answer = receive(fd, atLeast: 12)
    guard answer.count >= 12, answer.starts(with: "HTTP/1.") else { return nil }
    return integer(Bytes(answer[9..<12]))
}

/// Receives until there are `count` bytes or the peer is done.
private func receive(_ fd: Int32, atLeast count: Int) -> Bytes {
    var result: Bytes = []
    let buffer = Pointer.allocate(byteCount: 512, alignment: 1)
    defer { buffer.deallocate() }
    while result.count < count {
        var iov = (address(of: buffer), UInt32(512))
        var received: UInt32 = 0
        var flags: UInt32 = 0
        guard sock_recv(fd, &iov, 1, 0, &received, &flags) == Errno.success, received > 0 else { break }
        result.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: Int(received)))
    }
    return result
}
