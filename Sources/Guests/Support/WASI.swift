// SPDX-License-Identifier: Apache-2.0
// Swiftlet guests: the imports of WASI preview 1 and of the WasmEdge socket extension that the guests use.

typealias Pointer = UnsafeMutableRawPointer

@_extern(wasm, module: "wasi_snapshot_preview1", name: "fd_write")
@_extern(c)
func fd_write(_ fd: Int32, _ iovs: UnsafeRawPointer, _ count: Int32, _ written: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "fd_close")
@_extern(c)
func fd_close(_ fd: Int32) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "fd_fdstat_set_flags")
@_extern(c)
func fd_fdstat_set_flags(_ fd: Int32, _ flags: Int32) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "proc_exit")
@_extern(c)
func proc_exit(_ code: Int32)

@_extern(wasm, module: "wasi_snapshot_preview1", name: "args_sizes_get")
@_extern(c)
func args_sizes_get(_ count: Pointer, _ bytes: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "args_get")
@_extern(c)
func args_get(_ pointers: Pointer, _ buffer: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "environ_sizes_get")
@_extern(c)
func environ_sizes_get(_ count: Pointer, _ bytes: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "environ_get")
@_extern(c)
func environ_get(_ pointers: Pointer, _ buffer: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "clock_time_get")
@_extern(c)
func clock_time_get(_ clock: Int32, _ precision: Int64, _ time: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "poll_oneoff")
@_extern(c)
func poll_oneoff(_ subscriptions: UnsafeRawPointer, _ events: Pointer, _ count: Int32, _ ready: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_accept")
@_extern(c)
func sock_accept(_ fd: Int32, _ flags: Int32, _ accepted: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_recv")
@_extern(c)
func sock_recv(
    _ fd: Int32, _ iovs: UnsafeRawPointer, _ count: Int32, _ flags: Int32, _ received: Pointer, _ outFlags: Pointer
) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_send")
@_extern(c)
func sock_send(_ fd: Int32, _ iovs: UnsafeRawPointer, _ count: Int32, _ flags: Int32, _ sent: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_open")
@_extern(c)
func sock_open(_ family: Int32, _ type: Int32, _ fd: Pointer) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_bind")
@_extern(c)
func sock_bind(_ fd: Int32, _ address: UnsafeRawPointer, _ port: Int32) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_listen")
@_extern(c)
func sock_listen(_ fd: Int32, _ backlog: Int32) -> Int32

@_extern(wasm, module: "wasi_snapshot_preview1", name: "sock_connect")
@_extern(c)
func sock_connect(_ fd: Int32, _ address: UnsafeRawPointer, _ port: Int32) -> Int32

/// The error numbers of WASI preview 1 that the guests tell apart.
enum Errno {
    static let success: Int32 = 0
    static let again: Int32 = 6
    static let canceled: Int32 = 11
}

func address(of pointer: UnsafeRawPointer) -> UInt32 { UInt32(UInt(bitPattern: pointer)) }
