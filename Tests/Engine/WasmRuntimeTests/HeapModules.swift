// SPDX-License-Identifier: Apache-2.0
// Swiftlet: guests that make objects, for the tests of the heap.

import Wasm
import WasmText

/// A module written as text, validated.
func textModule(_ text: String) throws -> Module {
    try TextFormat.load(ModuleBytes(Array(text.utf8)), name: "test")
}

enum HeapModules {
    /// Makes lists of nodes.
    static let lists = """
        (module
          (type $node (struct (field $value (mut i32)) (field $next (mut (ref null $node)))))
          (global $kept (mut (ref null $node)) (ref.null $node))
          (memory (export "memory") 1)
          ;; Nodes that nobody keeps.
          (func (export "garbage") (param $count i32)
            (loop $more
              (drop (struct.new $node (local.get $count) (ref.null $node)))
              (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          ;; A list of $count nodes in the global.
          (func (export "keep") (param $count i32)
            (loop $more
              (global.set $kept (struct.new $node (local.get $count) (global.get $kept)))
              (br_if $more (local.tee $count (i32.sub (local.get $count) (i32.const 1))))))
          (func (export "forget") (global.set $kept (ref.null $node)))
          (func (export "sum") (result i64)
            (local $at (ref null $node)) (local $sum i64)
            (local.set $at (global.get $kept))
            (block $end
              (loop $more
                (br_if $end (ref.is_null (local.get $at)))
                (local.set $sum
                  (i64.add (local.get $sum) (i64.extend_i32_u (struct.get $node $value (local.get $at)))))
                (local.set $at (struct.get $node $next (local.get $at)))
                (br $more)))
            (local.get $sum))
          (func (export "node") (param i32) (result anyref)
            (struct.new $node (local.get 0) (ref.null $node)))
          (func (export "value") (param anyref) (result i32)
            (struct.get $node $value (ref.cast (ref $node) (local.get 0))))
          (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        """

    /// Arrays of every size, and a table; references move between them all the time.
    static let shuffle = """
        (module
          (type $cell (struct (field $value (mut i32))))
          (type $cells (array (mut (ref null $cell))))
          (type $bytes (array (mut i8)))
          (table $table 64 64 anyref)
          (global $array (ref $cells) (array.new_default $cells (i32.const 64)))
          (global $seed (mut i32) (i32.const 1))
          (func $random (result i32)
            (global.set $seed (i32.add (i32.mul (global.get $seed) (i32.const 1103515245)) (i32.const 12345)))
            (i32.and (i32.shr_u (global.get $seed) (i32.const 16)) (i32.const 63)))
          (func (export "fill")
            (local $i i32)
            (loop $more
              (array.set $cells (global.get $array) (local.get $i) (struct.new $cell (local.get $i)))
              (table.set $table (local.get $i) (struct.new $cell (i32.add (local.get $i) (i32.const 64))))
              (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64)))))
          ;; Exchanges cells of the array and the table, with garbage in between.
          (func (export "shuffle") (param $rounds i32)
            (local $a i32) (local $b i32) (local $held (ref null $cell))
            (loop $more
              (local.set $a (call $random))
              (local.set $b (call $random))
              (local.set $held (array.get $cells (global.get $array) (local.get $a)))
              (array.set $cells (global.get $array) (local.get $a)
                (ref.cast (ref null $cell) (table.get $table (local.get $b))))
              (drop (array.new $bytes (i32.const 7) (i32.mul (local.get $a) (local.get $b))))
              (drop (struct.new $cell (i32.const -1)))
              (table.set $table (local.get $b) (local.get $held))
              (br_if $more (local.tee $rounds (i32.sub (local.get $rounds) (i32.const 1))))))
          ;; The sum of all cells, which no exchange changes.
          (func (export "sum") (result i32)
            (local $i i32) (local $sum i32)
            (loop $more
              (local.set $sum (i32.add (local.get $sum)
                (struct.get $cell $value (array.get $cells (global.get $array) (local.get $i)))))
              (local.set $sum (i32.add (local.get $sum)
                (struct.get $cell $value (ref.cast (ref $cell) (table.get $table (local.get $i))))))
              (br_if $more (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 64))))
            (local.get $sum))
          (func (export "large") (param i32) (result i32)
            (array.len (array.new_default $cells (local.get 0)))))
        """
}
