// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the columns kubectl prints, for each kind (meta.k8s.io/v1 Table).
public import KubernetesAPI

/// Rows and columns as the API answers them to `as=Table`.
public struct Table: Codable, Sendable, Equatable {
    public struct Column: Codable, Sendable, Equatable {
        public var name: String
        public var type: String
        public var format: String
        public var description: String
        /// 0: always shown; 1: only when wide.
        public var priority: Int
    }

    public struct Row: Sendable, Equatable {
        public var cells: [JSONValue]
        /// What the row is about: metadata only, the whole object, or nothing.
        public var object: JSONValue?
    }

    /// How much of the object each row carries.
    public enum IncludedObject: String, Sendable {
        case none = "None"
        case metadata = "Metadata"
        case object = "Object"
    }

    public var kind = "Table"
    public var apiVersion = "meta.k8s.io/v1"
    public var metadata: ListMeta
    public var columnDefinitions: [Column]
    public var rows: [Row]

    /// The table of some objects, all of kind `T`.
    public init<T: KubernetesObject>(
        _ objects: [T], now: Time, resourceVersion: String = "", including: IncludedObject = .metadata,
        hasColumns: Bool = true
    ) {
        metadata = ListMeta(resourceVersion: resourceVersion)
        let printer = RowPrinter.printer(for: T.self)
        columnDefinitions = hasColumns ? printer.columns : []
        rows = objects.map { object in
            Row(cells: printer.cells(object, now), object: Self.attachment(object, including))
        }
    }

    private static func attachment<T: KubernetesObject>(_ object: T, _ included: IncludedObject) -> JSONValue? {
        switch included {
        case .none: return nil
        case .object: return try? JSONValue(encoding: object)
        case .metadata:
            guard let metadata = try? JSONValue(encoding: object.metadata) else { return nil }
            return .object([
                "kind": .string("PartialObjectMetadata"), "apiVersion": .string("meta.k8s.io/v1"),
                "metadata": metadata,
            ])
        }
    }
}

extension Table.Row: Codable {
    private enum CodingKeys: String, CodingKey { case cells, object }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        cells = try container.decode([JSONValue].self, forKey: .cells)
        object = try container.decodeIfPresent(JSONValue.self, forKey: .object)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(cells, forKey: .cells)
        // kubectl insists on the field, even when empty.
        try container.encode(object ?? .null, forKey: .object)
    }
}

extension JSONValue {
    /// The JSON of any encodable value.
    init(encoding value: some Encodable) throws {
        self = try KubernetesJSON.decode(JSONValue.self, from: try KubernetesJSON.encode(value))
    }
}

/// Columns of a kind, and how an object fills them.
struct RowPrinter<T: KubernetesObject> {
    var columns: [Table.Column]
    var cells: (T, Time) -> [JSONValue]

    init(_ columns: [Table.Column], cells: @escaping (T, Time) -> [JSONValue]) {
        self.columns = columns
        self.cells = cells
    }
}

extension RowPrinter {
    /// The printer of a kind; name and age for one that has none of its own.
    static func printer(for type: T.Type) -> RowPrinter<T> {
        let printers: [Any] = [
            RowPrinter<Pod>.pods, RowPrinter<Deployment>.deployments, RowPrinter<ReplicaSet>.replicaSets,
            RowPrinter<Service>.services, RowPrinter<EndpointSlice>.endpointSlices, RowPrinter<Endpoints>.endpoints,
            RowPrinter<ConfigMap>.configMaps, RowPrinter<Secret>.secrets, RowPrinter<Namespace>.namespaces,
            RowPrinter<Event>.events, RowPrinter<Node>.nodes,
        ]
        let own = printers.lazy.compactMap { $0 as? RowPrinter<T> }.first
        return own
            ?? RowPrinter<T>([.name, .age]) { object, now in
                [.string(object.metadata.name), .age(object.metadata.creationTimestamp, now)]
            }
    }
}

extension Table.Column {
    static func text(_ name: String, _ description: String, wide: Bool = false) -> Table.Column {
        Table.Column(name: name, type: "string", format: "", description: description, priority: wide ? 1 : 0)
    }

    static func count(_ name: String, _ description: String, wide: Bool = false) -> Table.Column {
        Table.Column(name: name, type: "integer", format: "", description: description, priority: wide ? 1 : 0)
    }

    static let name = Table.Column(
        name: "Name", type: "string", format: "name", description: "Unique within the namespace.", priority: 0)
    static let age = Table.Column.text("Age", "Time since creation.")
}

extension JSONValue {
    static func age(_ time: Time?, _ now: Time) -> JSONValue {
        .string(HumanDuration.text(since: time, now: now))
    }

    /// The texts joined by commas, or `<none>`.
    static func list(_ texts: [String]) -> JSONValue {
        .string(texts.isEmpty ? "<none>" : texts.joined(separator: ","))
    }

    static func orNone(_ text: String) -> JSONValue { .string(text.isEmpty ? "<none>" : text) }

    static func count(_ number: some BinaryInteger) -> JSONValue { .integer(Int64(number)) }
}

/// Durations as kubectl shows them: two units at most, the smaller one only while it matters.
///
/// See: k8s.io/apimachinery/pkg/util/duration HumanDuration
public enum HumanDuration {
    public static func text(since time: Time?, now: Time) -> String {
        guard let time else { return "<unknown>" }
        return text(seconds: now.secondsSinceEpoch - time.secondsSinceEpoch)
    }

    public static func text(seconds: Int64) -> String {
        if seconds < -1 { return "<invalid>" }
        if seconds < 0 { return "0s" }
        if seconds < 120 { return "\(seconds)s" }
        let minutes = seconds / 60
        if minutes < 10 { return two(minutes, "m", seconds % 60, "s") }
        if minutes < 180 { return "\(minutes)m" }
        let hours = minutes / 60
        if hours < 8 { return two(hours, "h", minutes % 60, "m") }
        if hours < 48 { return "\(hours)h" }
        let days = hours / 24
        if hours < 24 * 8 { return two(days, "d", hours % 24, "h") }
        if days < 365 * 2 { return "\(days)d" }
        if days < 365 * 8 { return two(days / 365, "y", days % 365, "d") }
        return "\(days / 365)y"
    }

    private static func two(_ large: Int64, _ unit: String, _ small: Int64, _ smallUnit: String) -> String {
        small == 0 ? "\(large)\(unit)" : "\(large)\(unit)\(small)\(smallUnit)"
    }
}
