// SPDX-License-Identifier: Apache-2.0
// Swiftlet: modules for the tests of exceptions, as source and as its binary.

enum ExceptionModules {
    static let thrower = Fixture(
        """
        (module
          (tag $e (export "e") (param i32 i64))
          (tag $empty (export "empty"))
          (import "host" "call" (func $host (param i32) (result i32)))
          (func $throw (export "throw") (param i32 i64) (throw $e (local.get 0) (local.get 1)))
          (func $deep (export "deep") (param i32) (result i32)
            (if (i32.eqz (local.get 0)) (then (throw $e (i32.const 7) (i64.const -9))))
            (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
          (func (export "viaHost") (param i32) (result i32) (call $host (local.get 0)))
          ;; 100 when the host's exception came, else what the host returned.
          (func (export "catchHost") (param i32) (result i32)
            (block $caught (result i32 i64)
              (return (try_table (result i32) (catch $e $caught) (call $host (local.get 0)))))
            (drop) (drop) (i32.const 100))
        )
        """,
        binary:
            "AGFzbQEAAAABEwRgAn9+AGAAAGABfwF/YAACf34CDQEEaG9zdARjYWxsAAIDBQQAAgICDQUCAAAAAQcyBgFlBAAFZW1wdHkEAQV0"
            + "aHJvdwABBGRlZXAAAgd2aWFIb3N0AAMJY2F0Y2hIb3N0AAQKQQQIACAAIAEIAAsYACAARQRAQQdCdwgAC0EBIABBAWsQAmoLBgAg"
            + "ABAACxYAAgMffwEAAAAgABAACw8LGhpB5AALADUEbmFtZQEUAwAEaG9zdAEFdGhyb3cCBGRlZXADCwEEAQAGY2F1Z2h0CwsCAAFl"
            + "AQVlbXB0eQ==")

    static let catcher = Fixture(
        """
        (module
          (import "t" "e" (tag $e (param i32 i64)))
          (import "t" "deep" (func $deep (param i32) (result i32)))
          (import "t" "viaHost" (func $viaHost (param i32) (result i32)))
          (tag $mine (param f64))
          (memory 1) (data (i32.const 0) "\\2a")
          (table $kept 4 exnref)
          ;; The values, the local that changed before the throw, and this instance's memory.
          (func (export "catch") (param i32) (result i32 i64 i32 i32) (local $l i32)
            (block $caught (result i32 i64)
              (try_table (catch $e $caught)
                (local.set $l (i32.const 5))
                (drop (call $deep (local.get 0))))
              (unreachable))
            (local.get $l) (i32.load8_u (i32.const 0)))
          (func (export "catchViaHost") (param i32) (result i32)
            (block $caught (result i32 i64)
              (drop (try_table (result i32) (catch $e $caught) (call $viaHost (local.get 0))))
              (return (i32.const -1)))
            (drop))
          ;; n exceptions, each caught with its reference and thrown again, the last kept in a table.
          (func (export "churn") (param $n i32) (result i32) (local $sum i32)
            (local $exception exnref)
            (loop $again
              (block $outer (result exnref)
                (try_table (catch_all_ref $outer)
                  (block $inner (result f64 exnref)
                    (try_table (result f64 exnref) (catch_ref $mine $inner)
                      (throw $mine (f64.convert_i32_u (local.get $n)))))
                  (throw_ref))
                (unreachable))
              (local.set $exception)
              (table.set $kept (i32.and (local.get $n) (i32.const 3)) (local.get $exception))
              (local.set $sum (i32.add (local.get $sum) (i32.const 1)))
              (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
            (local.get $sum))
          (func (export "endless")
            (loop $again
              (try_table (catch_all $again) (throw $mine (f64.const 1)))))
          ;; A clause that leads out of the function returns its values.
          (func (export "returns") (result f64)
            (try_table (catch $mine 0) (throw $mine (f64.const 2.5)))
            (f64.const 0))
          (func (export "null") (throw_ref (ref.null exn)))
          (func (export "uncaught") (throw $mine (f64.const 0.5)))
        )
        """,
        binary:
            "AGFzbQEAAAABKAhgAn9+AGABfwF/YAF8AGABfwR/fn9/YAACf35gAAJ8aWAAAGAAAXwCHQMBdAFlBAAAAXQEZGVlcAABAXQHdmlh"
            + "SG9zdAABAwgHAwEBBgcGBgQEAWkABAUDAQABDQMBAAIHRgcFY2F0Y2gAAgxjYXRjaFZpYUhvc3QAAwVjaHVybgAEB2VuZGxlc3MA"
            + "BQdyZXR1cm5zAAYEbnVsbAAHCHVuY2F1Z2h0AAgKwQEHHwEBfwIEH0ABAAAAQQUhASAAEAAaCwALIAFBAC0AAAsVAAIEH38BAAAA"
            + "IAAQAQsaQX8PCxoLQAIBfwFpA0ACaR9AAQMAAgUfBQEBAQAgALgIAQsLCgsACyECIABBA3EgAiYAIAFBAWohASAAQQFrIgANAAsg"
            + "AQsWAANAH0ABAgBEAAAAAAAA8D8IAQsLCx0AH0ABAAEARAAAAAAAAARACAELRAAAAAAAAAAACwUA0GkKCw0ARAAAAAAAAOA/CAEL"
            + "CwcBAEEACwEqAIABBG5hbWUBEAIABGRlZXABB3ZpYUhvc3QCGwICAQEBbAQDAAFuAQNzdW0CCWV4Y2VwdGlvbgM1BAIBAAZjYXVn"
            + "aHQDAQAGY2F1Z2h0BAMABWFnYWluAQVvdXRlcgMFaW5uZXIFAQAFYWdhaW4FBwEABGtlcHQLCgIAAWUBBG1pbmU=")

    static let legacy = Fixture(
        """
        (module
          (tag $e (param i32))
          (tag $f (param i32))
          (func $throw (param i32) (if (i32.and (local.get 0) (i32.const 1)) (then (throw $e (local.get 0)))) (throw $f (local.get 0)))
          ;; Odd numbers are doubled, even ones caught further out through a rethrow.
          (func (export "catch") (param i32) (result i32)
            (try (result i32)
              (do
                (try (result i32)
                  (do (call $throw (local.get 0)) (i32.const 0))
                  (catch $e (i32.mul (i32.const 2)))
                  (catch_all (rethrow 0))))
              (catch $f (i32.add (i32.const 1000)))))
          ;; Delegated past the middle one.
          (func (export "delegate") (param i32) (result i32)
            (try $outer (result i32)
              (do
                (try $middle (result i32)
                  (do
                    (try (result i32) (do (call $throw (local.get 0)) (i32.const 0)) (delegate $outer)))
                  (catch_all (i32.const -1))))
              (catch_all (i32.const 2))))
        )
        """,
        binary:
            "AGFzbQEAAAABCgJgAX8AYAF/AX8DBAMAAQENBQIAAAAABxQCBWNhdGNoAAEIZGVsZWdhdGUAAgpKAxIAIABBAXEEQCAACAALIAAI"
            + "AQscAAZ/Bn8gABAAQQAHAEECbBkJAAsHAUHoB2oLCxgABn8GfwZ/IAAQAEEAGAEZQX8LGUECCws=")
}
