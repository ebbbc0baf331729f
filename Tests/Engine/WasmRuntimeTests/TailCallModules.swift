// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules for the tests of tail calls, as source and as its binary.

enum TailCallModules {
    static let one = Fixture(
        """
        (module $a
          (type $f (func (param i32 i64) (result i64)))
          (import "host" "add" (func $host (type $f)))
          (table (export "t") 8 funcref)
          (elem (i32.const 0) $count $indirect $host)
          (func $count (export "count") (type $f)
            (if (result i64) (i32.eqz (local.get 0)) (then (local.get 1))
              (else (return_call $count (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3))))))
          (func $indirect (export "indirect") (type $f)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1)) (i64.add (local.get 1) (i64.const 3)) (i32.const 1)))
          ;; More parameters than the caller has, and back: the header moves.
          (func $wide (param i32 i64 i64 i64 i64 i64 i64) (result i64)
            (return_call $narrow (i32.sub (local.get 0) (i32.const 1))
              (i64.add (i64.add (local.get 1) (local.get 2)) (i64.add (local.get 3) (i64.add (local.get 4) (i64.add (local.get 5) (local.get 6)))))))
          (func $narrow (export "narrow") (type $f) (local i64 i64)
            (local.set 2 (i64.const 2)) (local.set 3 (i64.const 1))
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $wide (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i64.const 0) (i64.const 0) (i64.const 0)))
          (func (export "tohost") (type $f) (return_call $host (local.get 0) (local.get 1)))
          (func (export "tohostindirect") (type $f) (return_call_indirect (type $f) (local.get 0) (local.get 1) (i32.const 2)))
          ;; Something stands around the call, so that a wrong frame shows.
          (func (export "around") (type $f)
            (i64.add (i64.mul (i64.const 100) (call $count (local.get 0) (local.get 1))) (i64.extend_i32_u (local.get 0))))
          (func $spin (export "spin") (return_call $spin))
        )
        """,
        binary:
            "AGFzbQEAAAABFQNgAn9+AX5gB39+fn5+fn4BfmAAAAIMAQRob3N0A2FkZAAAAwkIAAABAAAAAAIEBAFwAAgHSwgBdAEABWNvdW50"
            + "AAEIaW5kaXJlY3QAAgZuYXJyb3cABAZ0b2hvc3QABQ50b2hvc3RpbmRpcmVjdAAGBmFyb3VuZAAHBHNwaW4ACAkJAQBBAAsDAQIA"
            + "CqABCBcAIABFBH4gAQUgAEEBayABQgN8EgELCxoAIABFBEAgAQ8LIABBAWsgAUIDfEEBEwAACxoAIABBAWsgASACfCADIAQgBSAG"
            + "fHx8fBIECyUBAn5CAiECQgEhAyAARQRAIAEPCyAAIAEgAiADQgBCAEIAEgMLCAAgACABEgALCwAgACABQQITAAALEABC5AAgACAB"
            + "EAF+IACtfAsEABIICwA9BG5hbWUAAgFhASwGAARob3N0AQVjb3VudAIIaW5kaXJlY3QDBHdpZGUEBm5hcnJvdwgEc3BpbgQEAQAB"
            + "Zg==")

    static let pong = Fixture(
        """
        (module $b
          (type $f (func (param i32 i64) (result i64)))
          (import "a" "t" (table 8 funcref))
          (elem (i32.const 3) $pong)
          (import "c" "ping" (func $ping (type $f)))
          (memory 1) (data (i32.const 0) "\\01\\00\\00\\00")
          (func $pong (export "pong") (type $f)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call $ping (i32.sub (local.get 0) (i32.const 1))
                (i64.add (local.get 1) (i64.load32_u (i32.const 0)))))
        )
        """,
        binary:
            "AGFzbQEAAAABBwFgAn9+AX4CEgIBYQF0AXAACAFjBHBpbmcAAAMCAQAFAwEAAQcIAQRwb25nAAEJBwEAQQMLAQEKHAEaACAARQRA"
            + "IAEPCyAAQQFrIAFBADUCAHwSAAsLCgEAQQALBAEAAAAAHgRuYW1lAAIBYgENAgAEcGluZwEEcG9uZwQEAQABZg==")

    static let ping = Fixture(
        """
        (module $c
          (type $f (func (param i32 i64) (result i64)))
          (import "a" "t" (table 8 funcref))
          (memory 1) (data (i32.const 0) "\\02\\00\\00\\00")
          (func $ping (export "ping") (type $f)
            (if (i32.eqz (local.get 0)) (then (return (local.get 1))))
            (return_call_indirect (type $f) (i32.sub (local.get 0) (i32.const 1))
                (i64.add (local.get 1) (i64.load32_u (i32.const 0))) (i32.const 3)))
          (func (export "start") (type $f)
            (i64.add (i64.load32_u (i32.const 0)) (call $ping (local.get 0) (local.get 1))))
        )
        """,
        binary:
            "AGFzbQEAAAABBwFgAn9+AX4CCQEBYQF0AXAACAMDAgAABQMBAAEHEAIEcGluZwAABXN0YXJ0AAEKLgIdACAARQRAIAEPCyAAQQFr"
            + "IAFBADUCAHxBAxMAAAsOAEEANQIAIAAgARAAfAsLCgEAQQALBAIAAAAAGARuYW1lAAIBYwEHAQAEcGluZwQEAQABZg==")
}
