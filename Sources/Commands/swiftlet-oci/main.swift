// SPDX-License-Identifier: Apache-2.0
// Swiftlet: swiftlet-oci: an OCI runtime for podman, CRI-O and containerd's runc shim.
import Glibc
import Linux
import OCIRuntime

func main() -> Int32 {
    do {
        let arguments = try RuntimeArguments(parsing: Array(CommandLine.arguments.dropFirst()))
        return try OCIRuntime(arguments, programName: CommandLine.arguments.first ?? "swiftlet-oci").run()
    } catch {
        try? Descriptors.writeAll(2, "swiftlet-oci: \(error)\n")
        return error.exitCode
    }
}

exit(main())
