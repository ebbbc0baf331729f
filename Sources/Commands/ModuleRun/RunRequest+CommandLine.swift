// SPDX-License-Identifier: Apache-2.0
// Swiftlet: a command line as a request, the quick way.

extension RunRequest {
    /// Reads `[OPTIONS] APP.wasm [ARGS]` where every word is as it should be.
    ///
    /// - Parameter words: What follows the verb.
    /// - Returns: nil for everything that wants an explanation (help, unknown options, bad values, abbreviations): the
    ///   argument parser of `swiftlet-node`, which takes a millisecond and a half longer, accepts or explains it.
    package init?(words: some Sequence<String>) {
        self.init(path: "")
        var words = words.makeIterator()
        var seen: Set<String> = []
        while let word = words.next() {
            guard word.hasPrefix("-") else {
                path = word
                while let argument = words.next() { arguments.append(argument) }
                return
            }
            if word == "--net" {
                allowsNetwork = true
                continue
            }
            let name: String
            let value: String
            if let equals = word.firstIndex(of: "=") {
                (name, value) = (String(word[..<equals]), String(word[word.index(after: equals)...]))
            } else {
                // A list of features may begin with one that is taken away.
                guard let next = words.next(), word == "--features" || !next.hasPrefix("-") else { return nil }
                (name, value) = (word, next)
            }
            guard take(name, value) else { return nil }
            let isRepeatable = name == "--dir" || name == "--env" || name == "--listen"
            guard seen.insert(name).inserted || isRepeatable else { return nil }
        }
        return nil
    }

    private mutating func take(_ name: String, _ value: String) -> Bool {
        switch name {
        case "--dir": append(RunDirectory(argument: value), to: &directories)
        case "--env": append(RunVariable(argument: value), to: &environment)
        case "--listen": append(RunAddress(argument: value), to: &listeners)
        case "--invoke": set(value, &invoke)
        case "--memory": set(RunBytes(argument: value), &memory)
        case "--cpus": set(RunProcessors(argument: value), &processors)
        case "--features": assign(value, &features)
        case "--fuel": set(RunFuel(argument: value), &fuel)
        case "--timeout": set(RunDuration(argument: value), &timeout)
        case "--grace": assign(RunDuration(argument: value), &grace)
        case "--engine": assign(RunEngine(rawValue: value), &engine)
        default: false
        }
    }

    private func append<Value>(_ value: Value?, to values: inout [Value]) -> Bool {
        guard let value else { return false }
        values.append(value)
        return true
    }

    private func set<Value>(_ value: Value?, _ place: inout Value?) -> Bool {
        place = value
        return value != nil
    }

    private func assign<Value>(_ value: Value?, _ place: inout Value) -> Bool {
        guard let value else { return false }
        place = value
        return true
    }
}
