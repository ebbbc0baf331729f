// SPDX-License-Identifier: Apache-2.0
// Swiftlet: translation with fuel: each run of instructions begins with one that pays for it.

import CInterpreter
import Wasm

extension Translator {
    /// Counts an instruction that is about to be translated.
    mutating func countFuel(_ opcode: Opcode) {
        guard opcode.costsFuel else { return }
        if fuelRun == nil {
            // Nothing before the payment may be changed by what comes after it.
            forgetProducers()
            fuelRun = (code.append(handler: Int(SW_fuel), 0), 0)
        }
        fuelRun?.cost += 1
    }

    mutating func endFuelRun() {
        guard let run = fuelRun else { return }
        code.set32(run.cost, at: run.position + 12)
        fuelRun = nil
    }
}

extension Opcode {
    /// See ``StoreLimits/fuel``.
    fileprivate var costsFuel: Bool {
        switch self {
        case .nop, .drop, .block, .loop, .else, .end, .return, .unreachable: false
        default: true
        }
    }

    /// Whether the next instruction can be reached in another way, or not at all.
    var endsFuelRun: Bool {
        switch self {
        case .block, .loop, .if, .else, .end, .br, .brIf, .brTable, .brOnNull, .brOnNonNull, .brOnCast, .brOnCastFail,
            .return, .unreachable, .returnCall, .returnCallIndirect, .returnCallRef, .throw, .throwRef, .tryTable,
            .try, .catch, .catchAll, .delegate, .rethrow:
            true
        default: false
        }
    }
}
