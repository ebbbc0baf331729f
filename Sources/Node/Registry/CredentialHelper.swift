// SPDX-License-Identifier: Apache-2.0
// Swiftlet: docker's credential helpers: programs that know passwords.

import Glibc
import Images
import Linux
import OCI

/// See: docker/docker-credential-helpers: `docker-credential-NAME get`, the server on standard input, JSON on standard output.
enum CredentialHelper {
    // LIMIT: what a helper may take and say.
    private static let secondsMax = 30
    private static let bytesMax = 1 << 16

    /// nil: the helper has nothing for this server.
    static func get(_ helper: String, _ server: String) throws(ImageError) -> Credentials? {
        let program = "docker-credential-\(helper)"
        guard !helper.isEmpty, !helper.contains("/"), !helper.utf8.contains(0) else {
            throw ImageError(.invalidContent, "credential helper \"\(helper.prefix(60))\": expected a name")
        }
        guard let path = find(program) else {
            throw ImageError(.unauthorized, "credential helper \(program) is not in PATH")
        }
        let (code, output) = try run(path, input: server + "\n", program)
        guard code == 0 else {
            // The protocol's only structured failure.
            if output.contains("credentials not found") { return nil }
            throw ImageError(.unauthorized, "\(program) get: exit code \(code): \(output.prefix(200))")
        }
        guard let json = try? JSON(parsing: output), case .string(let secret)? = json["Secret"] else {
            throw ImageError(.unauthorized, "\(program) get: expected JSON with Username and Secret")
        }
        var user = ""
        if case .string(let name)? = json["Username"] { user = name }
        // A helper may keep a token in the place of a password.
        if user == "<token>" { return Credentials(user: "", password: "", identityToken: secret) }
        return user.isEmpty && secret.isEmpty ? nil : Credentials(user: user, password: secret)
    }

    private static func find(_ program: String) -> String? {
        let path = getenv("PATH").map { String(cString: $0) } ?? "/usr/local/bin:/usr/bin:/bin"
        for folder in path.split(separator: ":") where access("\(folder)/\(program)", X_OK) == 0 {
            return "\(folder)/\(program)"
        }
        return nil
    }

    /// A helper at work, and what it prints.
    private struct Running: ~Copyable {
        let child: ChildProcess
        let output: OwnedDescriptor
    }

    private static func start(_ path: String, input: String, _ program: String) throws(SystemError) -> Running {
        let toChild = try DescriptorPair.pipe()
        // A pipe's buffer takes it all, before there is anybody who could go away.
        try Descriptors.writeAll(toChild.second.rawValue, input)
        let fromChild = try DescriptorPair.pipe()
        let output = try fromChild.first.duplicate()
        var environment: [String] = []
        var cursor = environ
        while let entry = cursor.pointee {
            environment.append(String(cString: entry))
            cursor += 1
        }
        var request = SpawnRequest(path: path, arguments: [program, "get"], environment: environment)
        request.descriptors = [
            .init(toChild.first.rawValue, as: 0), .init(fromChild.second.rawValue, as: 1), .init(2, as: 2),
        ]
        return Running(child: try ChildProcess.spawn(request), output: output)
    }

    private static func run(
        _ path: String, input: String, _ program: String
    ) throws(ImageError) -> (code: Int32, output: String) {
        let running: Running
        do throws(SystemError) { running = try start(path, input: input, program) } catch { throw ImageError(error) }
        let result: Result<[UInt8], ImageError>
        do throws(ImageError) {
            result = .success(try read(running.output.rawValue, program))
        } catch { result = .failure(error) }
        if case .failure = result { kill(running.child.processIdentifier, SIGKILL) }
        var status: Int32 = 0
        waitpid(running.child.processIdentifier, &status, 0)
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return (code, String(decoding: try result.get(), as: UTF8.self))
    }

    private static func read(_ descriptor: Int32, _ program: String) throws(ImageError) -> [UInt8] {
        var output: [UInt8] = []
        let end = time(nil) + secondsMax
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = Int32(max(0, end - time(nil)))
            guard left > 0, poll(&entry, 1, left * 1000) > 0 else {
                throw ImageError(.unauthorized, "\(program) get: no answer in \(secondsMax) seconds")
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count <= 0 { return output }
            output += chunk[..<count]
            guard output.count <= bytesMax else { throw ImageError(.unauthorized, "\(program) get: too much output") }
        }
    }
}
