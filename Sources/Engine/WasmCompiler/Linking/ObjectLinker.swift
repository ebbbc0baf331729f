// SPDX-License-Identifier: Apache-2.0
// Swiftlet: lays out the sections of several objects, and makes their references to each other real.

public import NativeImage

/// Links the compiler's objects into one position-independent piece of code and one of constants.
///
/// There is no writable data, no dynamic linking and no absolute address: what needs one of these is refused.
public struct ObjectLinker {
    private let architecture: NativeArchitecture
    private let keptNames: Set<String>
    private var objects: [ObjectFile] = []
    private var text: [UInt8] = []
    private var readOnlyData: [UInt8] = []
    private var kept: [LinkedCode.KeptSection] = []
    /// By object and section.
    private var placements: [[Placement]] = []
    private var globals: [String: (object: Int, symbol: Int)] = [:]

    /// Where the bytes of a section went.
    private enum Placement {
        case nowhere
        case text(Int)
        case readOnlyData(Int)
        case kept(Int)
    }

    /// - Parameter sections: names of sections to hand out, such as `.debug_line`; other sections that are neither
    ///   code nor constants are dropped.
    public init(architecture: NativeArchitecture, keeping sections: Set<String> = []) {
        self.architecture = architecture
        keptNames = sections
    }

    /// Takes over the code and the constants of an object.
    public mutating func add(_ bytes: [UInt8], name: String) throws(LinkError) {
        let object = try ObjectFile(bytes, name: name)
        guard object.architecture == architecture else {
            throw LinkError(name, "e_machine", "expected \(architecture), found \(object.architecture)")
        }
        var places: [Placement] = []
        for section in object.sections { places.append(try place(section, of: object)) }
        for (index, symbol) in object.symbols.enumerated() where !symbol.isLocal && symbol.place != .undefined {
            if let other = globals[symbol.name] {
                let first = other.object == objects.count ? object : objects[other.object]
                if symbol.isWeak { continue }
                guard first.symbols[other.symbol].isWeak else {
                    throw LinkError(name, "symbol \(symbol.name)", "already defined in object \(first.name)")
                }
            }
            globals[symbol.name] = (objects.count, index)
        }
        placements.append(places)
        objects.append(object)
    }

    /// Resolves all references.
    public consuming func link() throws(LinkError) -> LinkedCode {
        for index in objects.indices {
            for (section, entries) in try objects[index].relocations() {
                try relocate(section, of: index, entries)
            }
        }
        var result = LinkedCode()
        for (name, definition) in globals {
            let symbol = objects[definition.object].symbols[definition.symbol]
            guard case .section(let section) = symbol.place,
                case .text(let start) = placements[definition.object][section]
            else { continue }
            result.note(name, LinkedCode.Piece(offset: start + symbol.value, byteCount: symbol.byteCount))
        }
        result.text = text
        result.readOnlyData = readOnlyData
        result.keptSections = kept
        return result
    }

    private mutating func place(_ section: ObjectFile.Section, of object: ObjectFile) throws(LinkError) -> Placement {
        let bytes = object.bytes[section.range]
        if keptNames.contains(section.name) {
            kept.append(LinkedCode.KeptSection(object: object.name, name: section.name, bytes: Array(bytes)))
            return .kept(kept.count - 1)
        }
        // An empty code section is placed too: something may refer to it.
        guard section.isAllocated && (section.byteCount > 0 || section.isExecutable) else { return .nowhere }
        if section.name == ".eh_frame" || section.name.hasPrefix(".note") { return .nowhere }
        guard !section.isWritable && !section.isThreadLocal && section.type == ObjectFile.SectionType.programBits else {
            throw LinkError(
                object.name, "section \(section.name)",
                "expected code or constants, found "
                    + (section.isThreadLocal ? "thread-local data" : "writable data, or data that is not in the object")
            )
        }
        if section.isExecutable {
            return .text(Self.append(bytes, to: &text, alignment: section.alignment, fill: architecture.fillByte))
        }
        return .readOnlyData(Self.append(bytes, to: &readOnlyData, alignment: section.alignment, fill: 0))
    }

    private static func append(
        _ bytes: ArraySlice<UInt8>, to target: inout [UInt8], alignment: Int, fill: UInt8
    ) -> Int {
        let start = (target.count + alignment - 1) & ~(alignment - 1)
        target.append(contentsOf: repeatElement(fill, count: start - target.count))
        target += bytes
        return start
    }

    private mutating func relocate(
        _ section: Int, of objectIndex: Int, _ entries: [ObjectFile.Relocation]
    ) throws(LinkError) {
        let object = objects[objectIndex]
        let dataDistance = NativeImageFormat.readOnlyDataDistance(textByteCount: text.count, architecture)
        let byteCount = object.sections[section].range.count
        let placement = placements[objectIndex][section]
        if case .nowhere = placement { return }
        for entry in entries {
            let target = try address(ofSymbol: entry.symbol, in: objectIndex, dataDistance)
            guard entry.offset < byteCount else {
                throw LinkError(
                    object.name, "relocation of section \(object.sections[section].name)",
                    "expected a place within \(byteCount) bytes, found \(entry.offset)")
            }
            var patch = RelocationPatch(
                type: entry.type, target: target, addend: entry.addend, offset: 0, address: 0, end: 0)
            do throws(RelocationProblem) {
                switch placement {
                case .nowhere: break
                case .text(let start):
                    patch.place(entry.offset, in: start..<start + byteCount, address: 0)
                    try patch.apply(to: &text, architecture)
                case .readOnlyData(let start):
                    patch.place(entry.offset, in: start..<start + byteCount, address: dataDistance)
                    try patch.apply(to: &readOnlyData, architecture)
                case .kept(let index):
                    patch.place(entry.offset, in: 0..<byteCount, address: 0)
                    try patch.applyOutsideImage(to: &kept[index].bytes, architecture)
                }
            } catch {
                let symbol = object.symbols[entry.symbol]
                throw LinkError(
                    object.name,
                    "section \(object.sections[section].name), byte \(entry.offset), reference to "
                        + displayName(symbol, object),
                    error.description)
            }
        }
    }

    private func displayName(_ symbol: ObjectFile.Symbol, _ object: ObjectFile) -> String {
        if symbol.name.isEmpty, case .section(let index) = symbol.place { return object.sections[index].name }
        return symbol.name.isEmpty ? "nothing" : symbol.name
    }

    /// The distance of the symbol from the text's start in memory.
    private func address(ofSymbol number: Int, in objectIndex: Int, _ dataDistance: Int) throws(LinkError) -> Int {
        let object = objects[objectIndex]
        guard object.symbols.indices.contains(number) else {
            throw LinkError(
                object.name, "relocation", "expected one of \(object.symbols.count) symbols, found symbol \(number)")
        }
        // The symbol 0 means that there is none: only a relocation that does nothing has it.
        guard number > 0 else { return 0 }
        var definition = (object: objectIndex, symbol: number)
        let reference = object.symbols[number]
        if !reference.isLocal {
            guard let global = globals[reference.name] else {
                throw LinkError(object.name, "symbol \(reference.name)", "not defined in any object")
            }
            definition = global
        }
        let symbol = objects[definition.object].symbols[definition.symbol]
        let owner = objects[definition.object]
        guard case .section(let section) = symbol.place else {
            throw LinkError(
                owner.name, "symbol \(displayName(symbol, owner))",
                "expected a place in a section, found "
                    + (symbol.place == .absolute ? "an absolute value" : "none"))
        }
        switch placements[definition.object][section] {
        case .text(let start): return start + symbol.value
        case .readOnlyData(let start): return dataDistance + start + symbol.value
        // Sections that are handed out refer to each other by their own offsets.
        case .kept: return symbol.value
        case .nowhere where !owner.sections[section].isAllocated: return symbol.value
        default:
            throw LinkError(
                owner.name, "symbol \(displayName(symbol, owner))",
                "section \(owner.sections[section].name) is not part of the image")
        }
    }
}
