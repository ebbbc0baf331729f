// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a module report as text for people and as JSON for programs.

extension ModuleReport {
    /// A table for a terminal. Names are escaped, so a hostile module cannot draw on the screen.
    public func text() -> String {
        var lines: [String] = []
        let title = name.map { ", named \($0.printable)" } ?? ""
        lines.append("module: \(kind.rawValue)\(title), \(byteCount) bytes")
        lines.append(
            "functions: \(functionCount)   globals: \(globalCount)   start function: \(hasStartFunction ? "yes" : "no")"
        )
        for memory in memories { lines.append("memory: \(memory) of 64 KiB") }
        for table in tables { lines.append("table: \(table)") }
        lines.append("features: \(features.isEmpty ? "none beyond WebAssembly 1.0" : features.description)")
        if !targetFeatures.isEmpty {
            lines.append("built for: \(targetFeatures.map(\.printable).joined(separator: ", "))")
        }
        for producer in producers {
            let version = producer.version.isEmpty ? "" : " " + producer.version.printable
            lines.append("\(producer.field.printable): \(producer.name.printable)\(version)")
        }
        lines += Self.table(
            "imports (\(imports.count))", ["MODULE", "NAME", "KIND", "TYPE", "SERVED BY"],
            imports.map { [$0.module, $0.name, $0.kind, $0.type, $0.servedBy ?? "nobody"] })
        lines += Self.table(
            "exports (\(exports.count))", ["NAME", "KIND", "TYPE"], exports.map { [$0.name, $0.kind, $0.type] })
        lines += Self.table(
            "sections (\(sections.count))", ["SECTION", "BYTES"], sections.map { [$0.name, String($0.bytes)] })
        return lines.joined(separator: "\n") + "\n"
    }

    private static func table(_ title: String, _ head: [String], _ rows: [[String]]) -> [String] {
        guard !rows.isEmpty else { return ["", "\(title.split(separator: " ").first ?? ""): none"] }
        let cells = ([head] + rows).map { $0.map(\.printable) }
        var widths = head.map(\.count)
        for row in cells {
            for (column, cell) in row.enumerated() { widths[column] = max(widths[column], min(cell.count, 64)) }
        }
        return ["", title]
            + cells.map { row in
                var line = " "
                for (column, cell) in row.enumerated() {
                    line += " " + cell
                    if column < row.count - 1 {
                        line += String(repeating: " ", count: max(0, widths[column] - cell.count) + 1)
                    }
                }
                return line
            }
    }

    /// A JSON object with every fact of the report.
    public func json() -> String {
        func strings(_ list: [String]) -> JSONValue { .array(list.map { .string($0) }) }
        func sizes(_ limits: Limits) -> [(key: String, value: JSONValue)] {
            [("minimum", .number(limits.minimum)), ("maximum", limits.maximum.map { .number($0) } ?? .null)]
        }
        let object: JSONValue = .object([
            ("kind", .string(kind.rawValue)),
            ("name", name.map { .string($0) } ?? .null),
            ("bytes", .number(UInt64(byteCount))),
            ("functions", .number(UInt64(functionCount))),
            ("globals", .number(UInt64(globalCount))),
            ("startFunction", .bool(hasStartFunction)),
            ("memories", .array(memories.map { .object(sizes($0.limits)) })),
            (
                "tables",
                .array(tables.map { .object([("element", .string($0.element.description))] + sizes($0.limits)) })
            ),
            ("features", strings(features.names)),
            ("targetFeatures", strings(targetFeatures)),
            (
                "producers",
                .array(
                    producers.map {
                        .object([
                            ("field", .string($0.field)), ("name", .string($0.name)), ("version", .string($0.version)),
                        ])
                    })
            ),
            ("imports", .array(imports.map { item($0, isImport: true) })),
            ("exports", .array(exports.map { item($0, isImport: false) })),
            (
                "sections",
                .array(
                    sections.map { .object([("name", .string($0.name)), ("bytes", .number(UInt64($0.bytes)))]) })
            ),
        ])
        return object.text + "\n"
    }

    private func item(_ item: Item, isImport: Bool) -> JSONValue {
        var members: [(key: String, value: JSONValue)] = isImport ? [("module", .string(item.module))] : []
        members += [
            ("name", .string(item.name)), ("kind", .string(item.kind)), ("type", .string(item.type)),
        ]
        if isImport { members.append(("servedBy", item.servedBy.map { .string($0) } ?? .null)) }
        return .object(members)
    }
}
