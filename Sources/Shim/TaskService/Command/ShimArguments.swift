// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the command line by which containerd, and our node, start a shim.
import TTRPC

/// `containerd-shim-swiftlet-v1 [FLAGS] start|delete`, flags as Go's flag package reads them: `-x v`, `-x=v`, `--x`.
///
/// See: containerd docs "Runtime v2", shim CLI.
public struct ShimArguments: Sendable, Equatable {
    public enum Action: Sendable, Equatable {
        case start
        case delete
        /// `-info`: what this runtime is; asked without namespace and id.
        case info
        case version
    }

    public var action: Action
    public var namespace = ""
    public var id = ""
    /// containerd's gRPC address; empty when there is no containerd.
    public var address = ""
    public var publishBinary = ""
    public var bundle = ""
    public var isDebug = false

    /// - Parameter arguments: without the program's name.
    public init(parsing arguments: [String]) throws(ShimFailure) {
        self.action = .start
        var action: Action?
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else {
                guard action == nil else { throw ShimFailure("unexpected argument \"\(argument)\"") }
                switch argument {
                case "start": action = .start
                case "delete": action = .delete
                default: throw ShimFailure("unknown action \"\(argument)\"; expected start or delete")
                }
                continue
            }
            let body = argument.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let inline = parts.count > 1 ? parts[1] : nil
            func value() throws(ShimFailure) -> String {
                if let inline { return inline }
                guard let next = rest.popFirst() else { throw ShimFailure("flag \(argument) needs a value") }
                return next
            }
            switch parts[0] {
            case "namespace": namespace = try value()
            case "id": id = try value()
            case "address": address = try value()
            case "publish-binary": publishBinary = try value()
            case "bundle": bundle = try value()
            // Known and without a meaning here: the socket is ours to choose, and so is what it is called.
            case "socket", "debug-socket": _ = try value()
            case "debug": isDebug = inline != "false"
            case "info": action = .info
            case "v", "version": action = .version
            default: throw ShimFailure("unknown flag \(argument)")
            }
        }
        guard let action else { throw ShimFailure("an action is missing; expected start or delete") }
        self.action = action
        guard action == .start || action == .delete else { return }
        guard !namespace.isEmpty else { throw ShimFailure("flag -namespace is missing") }
        guard !id.isEmpty else { throw ShimFailure("flag -id is missing") }
        for (flag, text) in [("-namespace", namespace), ("-id", id)] {
            do { try TaskService.check(identifier: text, flag) } catch { throw ShimFailure(error.message) }
        }
    }
}
