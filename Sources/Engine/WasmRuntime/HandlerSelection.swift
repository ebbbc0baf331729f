// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which handlers the interpreter uses.

import CInterpreter

/// The interpreter's handlers exist for every processor and, on x86-64, once more for those with AVX2.
package enum HandlerSelection {
    /// Selects the newest handlers that the processor can run (which is what happens without a call), or those for every
    /// processor. Code that was translated before keeps its handlers. True when the ones for AVX2 were selected.
    @discardableResult
    package static func select(newest: Bool) -> Bool { sw_select_handlers(newest) }
}
