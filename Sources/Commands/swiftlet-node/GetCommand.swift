// SPDX-License-Identifier: Apache-2.0
// Swiftlet: `swiftlet get`.

import APIClient
import ArgumentParser
import FoundationEssentials
import KubernetesAPI

struct GetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show objects of a running swiftlet, in kubectl's columns.",
        discussion: """
            Examples:
              swiftlet get pods
              swiftlet get deploy/wasm-api -o yaml
              swiftlet get all -A -o wide
              swiftlet get pods -l app=wasm-api -w
            """)

    @OptionGroup var client: ClientOptions

    @Flag(name: [.customShort("A"), .long], help: "Objects of all namespaces.")
    var allNamespaces = false

    @Option(name: [.customShort("l"), .long], help: "Label selector, as in app=web,tier in (a,b).")
    var selector: String?

    @Option(help: "Field selector, as in metadata.name=web.")
    var fieldSelector: String?

    @Option(name: .shortAndLong, help: "Output: table (default), wide, json, yaml or name.")
    var output: OutputFormat = .table

    @Flag(name: [.customShort("w"), .long], help: "Show the objects, then every change until interrupted.")
    var watch = false

    @Flag(help: "No header line.")
    var noHeaders = false

    @Argument(help: "TYPE, TYPE NAME…, TYPE/NAME… or TYPE,TYPE; `all` is pods, services, deployments, replicasets.")
    var resources: [String]

    enum OutputFormat: String, ExpressibleByArgument, CaseIterable { case table, wide, json, yaml, name }

    private static let tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

    func run() async throws {
        let references = try ResourceReference.parse(resources)
        if watch {
            guard references.count == 1 else { throw CommandFailure("-w takes one resource type or one object") }
            return try await follow(references[0])
        }
        switch output {
        case .table, .wide: try await printTables(references)
        case .json, .yaml, .name: try await printObjects(references)
        }
    }

    private func path(_ reference: ResourceReference, extra: [(String, String)] = []) -> String {
        var query = extra
        var target = reference
        // A watch is always one of the collection: the name becomes a field selector.
        var fields = fieldSelector.map { [$0] } ?? []
        if !extra.isEmpty, let name = reference.name {
            target.name = nil
            fields.append("metadata.name=\(name)")
        }
        if let selector { query.append(("labelSelector", selector)) }
        if !fields.isEmpty { query.append(("fieldSelector", fields.joined(separator: ","))) }
        return target.path(namespace: allNamespaces ? nil : client.namespace, query: query)
    }

    private func fetch(_ reference: ResourceReference, accept: String) async throws -> [UInt8] {
        let request = APIClient.Request("GET", path(reference), accept: accept)
        let response = try await client.client.send(request)
        guard response.isSuccess else { throw CommandFailure(response, doing: "reading \(reference.type.resource)") }
        return response.body
    }

    private func printTables(_ references: [ResourceReference]) async throws {
        let areSeveral = Set(references.map { $0.type.kind }).count > 1
        var printed = 0
        var printers: [String: TablePrinter] = [:]
        for reference in references {
            let body = try await fetch(reference, accept: Self.tableAccept)
            let table = try JSONDecoder().decode(ServerTable.self, from: Data(body))
            guard let rows = table.rows, !rows.isEmpty else { continue }
            let isContinued = printers[reference.type.kind] != nil
            var printer = printers[reference.type.kind] ?? printer(for: reference, prefixed: areSeveral)
            if printed > 0, !isContinued { writeOutput("\n") }
            writeOutput(printer.text(table))
            printers[reference.type.kind] = printer
            printed += rows.count
        }
        if printed == 0 {
            writeError(
                allNamespaces
                    ? "No resources found\n" : "No resources found in \(client.namespace) namespace.\n")
        }
    }

    private func printer(for reference: ResourceReference, prefixed: Bool) -> TablePrinter {
        let group = reference.type.group
        let prefix = "\(reference.type.singular)\(group.isEmpty ? "" : ".\(group)")/"
        return TablePrinter(
            isWide: output == .wide, showsNamespace: allNamespaces && reference.type.isNamespaced,
            hasHeader: !noHeaders, namePrefix: prefixed ? prefix : "")
    }

    private func printObjects(_ references: [ResourceReference]) async throws {
        var objects: [JSONValue] = []
        var single: JSONValue?
        for reference in references {
            let body = try await fetch(reference, accept: "application/json")
            let value = try JSONDecoder().decode(JSONValue.self, from: Data(body))
            if reference.name != nil {
                objects.append(value)
                single = value
            } else {
                objects.append(contentsOf: listItems(value, of: reference.type))
            }
        }
        if output == .name {
            for object in objects { writeOutput("\(qualifiedName(object))\n") }
            return
        }
        let result: JSONValue
        if references.count == 1, let single {
            result = single
        } else {
            result = .object([
                "apiVersion": .string("v1"), "kind": .string("List"), "items": .array(objects),
                "metadata": .object(["resourceVersion": .string("")]),
            ])
        }
        writeOutput(output == .json ? try result.prettyJSON() + "\n" : result.yaml())
    }

    /// Items of a List carry no kind of their own on the wire; kubectl's List shows it.
    private func listItems(_ list: JSONValue, of type: any KubernetesObject.Type) -> [JSONValue] {
        (list["items"]?.arrayValue ?? []).map { item in
            guard case .object(var fields) = item else { return item }
            fields["apiVersion"] = .string(type.apiVersion)
            fields["kind"] = .string(type.kind)
            return .object(fields)
        }
    }

    private func qualifiedName(_ object: JSONValue) -> String {
        let version = object["apiVersion"]?.stringValue ?? ""
        let kind = (object["kind"]?.stringValue ?? "").lowercased()
        let group = version.contains("/") ? "." + (version.split(separator: "/").first.map(String.init) ?? "") : ""
        return "\(kind)\(group)/\(object["metadata"]?["name"]?.stringValue ?? "")"
    }

    private func follow(_ reference: ResourceReference) async throws {
        let isTable = output == .table || output == .wide
        let accept = isTable ? Self.tableAccept : "application/json"
        var printer = printer(for: reference, prefixed: false)
        let list = try await fetch(reference, accept: accept)
        let version: String
        if isTable {
            let table = try JSONDecoder().decode(ServerTable.self, from: Data(list))
            version = table.metadata?.resourceVersion ?? "0"
            if table.rows?.isEmpty == false { writeOutput(printer.text(table)) }
        } else {
            let value = try JSONDecoder().decode(JSONValue.self, from: Data(list))
            version = value["metadata"]?["resourceVersion"]?.stringValue ?? "0"
            writeOutput(output == .json ? try value.prettyJSON() + "\n" : value.yaml())
        }
        let request = APIClient.Request(
            "GET", path(reference, extra: [("watch", "true"), ("resourceVersion", version)]), accept: accept)
        var pending: [UInt8] = []
        let status = try await client.client.stream(request) { chunk in
            pending.append(contentsOf: chunk)
            while let newline = pending.firstIndex(of: 10) {
                let line = Data(pending[..<newline])
                pending.removeFirst(newline + 1)
                if !line.isEmpty { try show(line, isTable: isTable, printer: &printer) }
            }
        }
        guard status == 200 else {
            throw CommandFailure(APIClient.Response(status: status, body: pending), doing: "watching")
        }
    }

    private func show(_ line: Data, isTable: Bool, printer: inout TablePrinter) throws {
        struct TableEvent: Decodable {
            var type: String
            var object: ServerTable
        }
        if isTable {
            let event = try JSONDecoder().decode(TableEvent.self, from: line)
            if event.type != "BOOKMARK" { writeOutput(printer.text(event.object)) }
        } else {
            let event = try JSONDecoder().decode(JSONValue.self, from: line)
            guard let object = event["object"], event["type"]?.stringValue != "BOOKMARK" else { return }
            switch output {
            case .json: writeOutput(try object.prettyJSON() + "\n")
            case .name: writeOutput("\(qualifiedName(object))\n")
            default: writeOutput("---\n" + object.yaml())
            }
        }
    }
}
