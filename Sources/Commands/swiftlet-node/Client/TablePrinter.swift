// SPDX-License-Identifier: Apache-2.0
// Swiftlet: meta.k8s.io/v1 Table → the columns that kubectl prints.

import FoundationEssentials
import KubernetesAPI

/// The parts of a server-side table that are printed.
struct ServerTable: Decodable {
    struct Column: Decodable {
        var name: String
        /// 0: always shown; above: with `-o wide` only.
        var priority: Int?
    }

    struct Row: Decodable {
        var cells: [Cell]
        var object: PartialObject?
    }

    struct PartialObject: Decodable {
        var metadata: ObjectMeta?
    }

    /// A cell is a string or a number; both print as text.
    struct Cell: Decodable {
        var text: String

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let string = try? container.decode(String.self) {
                text = string
            } else if let integer = try? container.decode(Int64.self) {
                text = String(integer)
            } else if let number = try? container.decode(Double.self) {
                text = String(number)
            } else {
                text = try container.decodeNil() ? "<none>" : String(container.decode(Bool.self))
            }
        }
    }

    var metadata: ListMeta?
    var columnDefinitions: [Column]?
    var rows: [Row]?
}

/// Prints rows with stable column widths, so that a watch lines up under its list.
struct TablePrinter {
    var isWide: Bool
    var showsNamespace: Bool
    var hasHeader = true
    /// `pod/` before each name when several types are listed.
    var namePrefix = ""
    private var widths: [Int] = []
    private var columns: [ServerTable.Column] = []
    private var printedHeader = false

    init(isWide: Bool, showsNamespace: Bool, hasHeader: Bool = true, namePrefix: String = "") {
        self.isWide = isWide
        self.showsNamespace = showsNamespace
        self.hasHeader = hasHeader
        self.namePrefix = namePrefix
    }

    mutating func text(_ table: ServerTable) -> String {
        if let definitions = table.columnDefinitions, !definitions.isEmpty { columns = definitions }
        let shown = columns.indices.filter { isWide || (columns[$0].priority ?? 0) == 0 }
        var lines: [[String]] = []
        if hasHeader, !printedHeader {
            printedHeader = true
            lines.append((showsNamespace ? ["NAMESPACE"] : []) + shown.map { columns[$0].name.uppercased() })
        }
        for row in table.rows ?? [] {
            var cells = shown.map { $0 < row.cells.count ? row.cells[$0].text : "" }
            if !cells.isEmpty { cells[0] = namePrefix + cells[0] }
            lines.append((showsNamespace ? [row.object?.metadata?.namespace ?? ""] : []) + cells)
        }
        return render(lines)
    }

    private mutating func render(_ lines: [[String]]) -> String {
        for line in lines {
            while widths.count < line.count { widths.append(0) }
            for (index, cell) in line.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        var result = ""
        for line in lines {
            var text = ""
            for (index, cell) in line.enumerated() {
                text += cell
                if index < line.count - 1 { text += String(repeating: " ", count: widths[index] - cell.count + 3) }
            }
            result += text + "\n"
        }
        return result
    }
}
