// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules for the tests of several and large memories, as source and as its binary.

enum MemoryModules {
    static let wide = Fixture(
        """
        (module
          (memory $m (export "m") i64 1 100)
          (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
          (func (export "load8") (param i64) (result i32) (i32.load8_u offset=1 (local.get 0)))
          (func (export "far") (param i64) (result i64) (i64.load offset=0xFFFFFFFFFFFFFFFF (local.get 0)))
          (func (export "farther") (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0)))
          (func (export "store") (param i64 i64) (i64.store offset=8 (local.get 0) (local.get 1)))
          (func (export "storeFar") (param i64 f64) (f64.store offset=0xFFFFFFFFFFFFFFF8 (local.get 0) (local.get 1)))
          (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
          (func (export "size") (result i64) (memory.size))
          (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
          (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
          ;; The address, a sum, stays in the accumulator.
          (func (export "sum") (param i64 i64) (result f64)
            (f64.load offset=8 (i64.add (local.get 0) (local.get 1))))
        )
        """,
        binary:
            "AGFzbQEAAAABKwhgAX4BfmABfgF/YAJ+fgBgAn58AGAAAX5gA35/fgBgA35+fgBgAn5+AXwDDAsAAQAAAgMABAUGBwUEAQUBZAdZ"
            + "DAFtAgAEbG9hZAAABWxvYWQ4AAEDZmFyAAIHZmFydGhlcgADBXN0b3JlAAQIc3RvcmVGYXIABQRncm93AAYEc2l6ZQAHBGZpbGwA"
            + "CARjb3B5AAkDc3VtAAoKewsHACAAKQMACwcAIAAtAAELEAAgACkD////////////AQsLACAAKQOAgICAEAsJACAAIAE3AwgLEgAg"
            + "ACABOQP4//////////8BCwYAIABAAAsEAD8ACwsAIAAgASAC/AsACwwAIAAgASAC/AoAAAsKACAAIAF8KwMICwALBG5hbWUGBAEA"
            + "AW0=")

    static let several = Fixture(
        """
        (module
          (memory $a (export "a") 1 3)
          (memory $b (export "b") 1 5)
          (memory $c i64 1 2)
          (data $d (memory $b) (i32.const 4) "\\01\\02\\03\\04\\05\\06\\07\\08")
          (data $p "passive!")
          (func (export "load") (param i32) (result i64) (i64.load $b (local.get 0)))
          (func (export "loadf") (param i32) (result f32) (f32.load $b offset=2 (local.get 0)))
          (func (export "loads") (param i32) (result i64) (i64.add (i64.load8_s $b (local.get 0)) (i64.load $a (local.get 0))))
          (func (export "store") (param i32 i64) (i64.store16 $b (local.get 0) (local.get 1)))
          (func (export "storec") (param i64 i64) (i64.store $c (local.get 0) (local.get 1)))
          (func (export "copy") (param i32 i64 i32) (memory.copy $b $c (local.get 0) (local.get 1) (local.get 2)))
          (func (export "init") (param i32) (memory.init $b $p (local.get 0) (i32.const 0) (i32.const 8)))
          (func (export "fill") (param i64) (memory.fill $c (local.get 0) (i32.const 0xFF) (i64.const 4)))
          (func (export "grow") (param i32) (result i32) (memory.grow $b (local.get 0)))
          (func (export "sizes") (result i32 i32 i64) (memory.size $a) (memory.size $b) (memory.size $c))
        )
        """,
        binary:
            "AGFzbQEAAAABLglgAX8BfmABfwF9YAJ/fgBgAn5+AGADf35/AGABfwBgAX4AYAF/AX9gAAN/f34DCwoAAQACAwQFBgcIBQoDAQED"
            + "AQEFBQECB1UMAWECAAFiAgEEbG9hZAAABWxvYWRmAAEFbG9hZHMAAgVzdG9yZQADBnN0b3JlYwAEBGNvcHkABQRpbml0AAYEZmls"
            + "bAAHBGdyb3cACAVzaXplcwAJDAECCm8KCAAgAClDAQALCAAgACpCAQILDgAgADBAAQAgACkDAHwLCgAgACABPUEBAAsKACAAIAE3"
            + "QwIACwwAIAAgASAC/AoBAgsMACAAQQBBCPwIAQELDAAgAEH/AUIE/AsCCwYAIABAAQsIAD8APwE/AgsLGQICAUEECwgBAgMEBQYH"
            + "CAEIcGFzc2l2ZSEAGgRuYW1lBgoDAAFhAQFiAgFjCQcCAAFkAQFw")

    static let same = Fixture(
        """
        (module
          (import "m" "a" (memory $a 1 3))
          (import "m" "a" (memory $b 1 3))
          (func (export "grown") (result i32)
            (drop (memory.grow $b (i32.const 1)))
            (i32.store $b (i32.const 65536) (i32.const 77))
            (i32.load $a (i32.const 65536)))
        )
        """,
        binary:
            "AGFzbQEAAAABBQFgAAF/AhECAW0BYQIBAQMBbQFhAgEBAwMCAQAHCQEFZ3Jvd24AAAobARkAQQFAARpBgIAEQc0ANkIBAEGAgAQo"
            + "AgALAA4EbmFtZQYHAgABYQEBYg==")

    static let bulk = Fixture(
        """
        (module
          (memory (export "memory") 49152)
          (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0xC0000000)))
          (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
          (func (export "copyUp") (memory.copy (i32.const 1) (i32.const 0) (i32.const 0xBFFFFFFF)))
          (func (export "copyDown") (memory.copy (i32.const 0) (i32.const 1) (i32.const 0xBFFFFFFF)))
        )
        """,
        binary:
            "AGFzbQEAAAABCgJgAABgA39/fwADBQQAAQAABQUBAICAAwcsBQZtZW1vcnkCAARmaWxsAAAEY29weQABBmNvcHlVcAACCGNvcHlE"
            + "b3duAAMKQAQPAEEAQQFBgICAgHz8CwALDAAgACABIAL8CgAACxAAQQFBAEH/////e/wKAAALEABBAEEBQf////97/AoAAAs=")
}
