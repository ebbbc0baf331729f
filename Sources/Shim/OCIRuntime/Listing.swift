// SPDX-License-Identifier: Apache-2.0
// Swiftlet: list and ps.
internal import Linux
internal import OCI

extension OCIRuntime {
    func list() throws(RuntimeFailure) {
        let format = arguments.value("format") ?? "table"
        guard format == "table" || format == "json" else {
            throw RuntimeFailure("list: option --format: expected table or json, found \"\(format)\"")
        }
        var states = store.ids().compactMap { id -> JSON? in
            // One that is deleted while we look is not there.
            guard let container = try? store.find(id), let record = try? container.record() else { return nil }
            return record.stateJSON(container.status(record))
        }
        if let bytes = NativeRuntime(self).output(["list", "-f", "json"]),
            case .array(let native)? = try? JSON(parsing: bytes)
        {
            states += native
        }
        states.sort { Self.text($0["id"]) < Self.text($1["id"]) }
        if arguments.flag("quiet") {
            for state in states { Self.print(Self.text(state["id"])) }
        } else if format == "json" {
            Self.print(JSON.array(states).text)
        } else {
            let names = ["id", "pid", "status", "bundle", "created", "owner"]
            Self.print(Self.table([names.map { $0.uppercased() }] + states.map { s in names.map { Self.text(s[$0]) } }))
        }
    }

    func listProcesses(_ container: StoredContainer) throws(RuntimeFailure) {
        let format = arguments.value("format") ?? "table"
        let record = try container.record()
        let processes = self.processes(record)
        switch format {
        case "json": Self.print(JSON.array(processes.map { .integer($0) }).text)
        case "table":
            let words = Array(arguments.operands.dropFirst())
            let output = try RuntimeFailure.translating {
                try ToolOutput.run("/bin/ps", words.isEmpty ? ["-ef"] : words)
            }
            let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
            guard let header = lines.first,
                let column = header.split(separator: " ").firstIndex(where: { $0 == "PID" })
            else { throw RuntimeFailure("ps: there is no PID column in what ps prints") }
            Self.print(String(header))
            for line in lines.dropFirst() {
                let fields = line.split(separator: " ")
                guard fields.count > column, let process = Int32(fields[column]), processes.contains(process) else {
                    continue
                }
                Self.print(String(line))
            }
        default: throw RuntimeFailure("ps: option --format: expected table or json, found \"\(format)\"")
        }
    }

    static func text(_ json: JSON?) -> String {
        switch json {
        case .string(let text)?, .number(let text)?: text
        default: ""
        }
    }

    /// Columns as wide as their longest cell, two spaces between.
    static func table(_ rows: [[String]]) -> String {
        let widths = (0..<(rows.first?.count ?? 0)).map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (cell, width) in zip(row, widths) {
                line += cell + String(repeating: " ", count: width - cell.count + 2)
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
