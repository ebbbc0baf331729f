;; What every second generated module exports, so that there is something to call and something to look at.
(module
  (memory (export "m") 1 4)
  (global (export "g") (mut i64) (i64.const 0))
  (func (export "a") (param i32 i32) (result i32) unreachable)
  (func (export "b") (param i64 f64) (result f64) unreachable)
  (func (export "c") (param f32) (result i32 i64) unreachable)
  (func (export "d") (result i64) unreachable)
  (func (export "e") (param i32) unreachable)
  (func (export "f") (param i64 i32 f32) (result f32) unreachable))
