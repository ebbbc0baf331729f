// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the socket functions of the standard and of WasmEdge, by name and type.

extension Function {
    /// Both `sock_accept`s, and the `sock_recv_from` with a port result, are told apart by their declared type.
    nonisolated(unsafe) static let socketFunctions: [Function] =
        [
            Function("sock_accept", "iii") { (c, g) throws(Errno) in try c.sockAccept(g) },
            Function("sock_accept", "ii", extension: true) { (c, g) throws(Errno) in try c.sockAcceptWithoutFlags(g) },
            Function("sock_recv", "iiiiii") { (c, g) throws(Errno) in try c.sockRecv(g) },
            Function("sock_send", "iiiii") { (c, g) throws(Errno) in try c.sockSend(g) },
            Function("sock_shutdown", "ii") { (c, g) throws(Errno) in try c.sockShutdown(g) },
        ] + extensions(suffix: false) + extensions(suffix: true)
    // SAFETY (of nonisolated(unsafe)): never written, and the functions in it capture nothing.

    /// WasmEdge has each of its functions a second time with `_v2`; most are the same, as addresses say themselves
    /// which form they have.
    private static func extensions(suffix: Bool) -> [Function] {
        func function(
            _ name: StaticString, _ second: StaticString, _ parameters: StaticString, _ body: @escaping Body
        ) -> Function {
            Function(suffix ? second : name, parameters, extension: true, body)
        }
        var functions = [
            function("sock_open", "sock_open_v2", "iii") { (c, g) throws(Errno) in try c.sockOpen(g) },
            function("sock_bind", "sock_bind_v2", "iii") { (c, g) throws(Errno) in try c.sockBind(g) },
            function("sock_listen", "sock_listen_v2", "ii") { (c, g) throws(Errno) in try c.sockListen(g) },
            function("sock_connect", "sock_connect_v2", "iii") { (c, g) throws(Errno) in try c.sockConnect(g) },
            function("sock_recv_from", "sock_recv_from_v2", "iiiiiiii") { (c, g) throws(Errno) in
                try c.sockRecvFromWithPort(g)
            },
            function("sock_send_to", "sock_send_to_v2", "iiiiiii") { (c, g) throws(Errno) in try c.sockSendTo(g) },
            function("sock_getsockopt", "sock_getsockopt_v2", "iiiii") { (c, g) throws(Errno) in
                try c.sockGetsockopt(g)
            },
            function("sock_setsockopt", "sock_setsockopt_v2", "iiiii") { (c, g) throws(Errno) in
                try c.sockSetsockopt(g)
            },
        ]
        if suffix {
            functions += [
                Function("sock_accept_v2", "iii", extension: true) { (c, g) throws(Errno) in try c.sockAccept(g) },
                Function("sock_recv_v2", "iiiiii", extension: true) { (c, g) throws(Errno) in try c.sockRecv(g) },
                Function("sock_send_v2", "iiiii", extension: true) { (c, g) throws(Errno) in try c.sockSend(g) },
                Function("sock_getlocaladdr_v2", "iii", extension: true) { (c, g) throws(Errno) in
                    try c.sockGetlocaladdrWithFamily(g)
                },
                Function("sock_getpeeraddr_v2", "iii", extension: true) { (c, g) throws(Errno) in
                    try c.sockGetpeeraddrWithFamily(g)
                },
            ]
        } else {
            functions += [
                Function("sock_recv_from", "iiiiiii", extension: true) { (c, g) throws(Errno) in
                    try c.sockRecvFrom(g)
                },
                Function("sock_getlocaladdr", "iiii", extension: true) { (c, g) throws(Errno) in
                    try c.sockGetlocaladdr(g)
                },
                Function("sock_getpeeraddr", "iiii", extension: true) { (c, g) throws(Errno) in
                    try c.sockGetpeeraddr(g)
                },
                Function("sock_getaddrinfo", "iiiiiiii", extension: true) { (c, g) throws(Errno) in
                    try c.sockGetaddrinfo(g)
                },
            ]
        }
        return functions
    }
}
