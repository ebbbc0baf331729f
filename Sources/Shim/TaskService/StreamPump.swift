// SPDX-License-Identifier: Apache-2.0
// Swiftlet: copies what a caller sends to a process, and what a terminal shows to a caller.
import EventLoop
import Glibc

/// Copies a fifo into a pipe; or a terminal's side for people into a fifo, and the other way round.
///
/// The guest cannot have the fifo itself: a reader sees the end of a fifo that nobody has opened for writing *yet*, and
/// the caller opens it when it likes. Here the end is seen only after a writer has come and gone (that is when poll
/// reports a hang-up), or when CloseIO says so.
final class StreamPump {
    private let loop: EventLoop
    private let fifo: Int32
    private let pipe: Int32
    /// Read and not yet taken by the pipe; the fifo is not read meanwhile.
    private var pending: ArraySlice<UInt8> = []
    private var isOpen = true
    private var isEnding = false

    /// Takes over both descriptors.
    init(loop: EventLoop, fifo: Int32, pipe: Int32) throws(SystemFailure) {
        self.loop = loop
        self.fifo = fifo
        self.pipe = pipe
        _ = fcntl(pipe, F_SETFL, fcntl(pipe, F_GETFL) | O_NONBLOCK)
        try watchFIFO()
    }

    /// The caller has written all it wants to.
    func end() {
        guard isOpen else { return }
        isEnding = true
        if pending.isEmpty { copy() }
    }

    /// The writers are gone: copies what is there as far as there is room, and stops.
    func finish() {
        if isOpen, pending.isEmpty { copy() }
        stop()
    }

    func stop() {
        guard isOpen else { return }
        isOpen = false
        loop.unwatch(fifo)
        loop.unwatch(pipe)
        close(fifo)
        close(pipe)
    }

    private func watchFIFO() throws(SystemFailure) {
        try loop.watch(fifo, for: .read) { [unowned self] _ in self.copy() }
    }

    private func copy() {
        while isOpen, pending.isEmpty {
            let chunk = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, count in
                count = retryingInterrupts { read(fifo, buffer.baseAddress, 16_384) }
                if count < 0 { count = 0 }
            }
            if chunk.isEmpty {
                if isEnding || hasHungUp { stop() }
                return
            }
            pending = chunk[...]
            flush()
        }
    }

    private func flush() {
        while !pending.isEmpty {
            let count = pending.withUnsafeBytes { bytes in
                retryingInterrupts { write(pipe, bytes.baseAddress, bytes.count) }
            }
            if count < 0 {
                // The guest has closed its stdin, or is gone.
                guard errno == EAGAIN else { return stop() }
                return waitForRoom()
            }
            pending = pending.dropFirst(count)
        }
        pending = []
    }

    /// A hang-up is reported whatever a watch asks for, so the fifo is not watched at all until there is room.
    private func waitForRoom() {
        loop.unwatch(fifo)
        do throws(SystemFailure) {
            try loop.watch(pipe, for: .write) { [unowned self] _ in
                self.flush()
                guard self.isOpen, self.pending.isEmpty else { return }
                self.loop.unwatch(self.pipe)
                do throws(SystemFailure) { try self.watchFIFO() } catch { return self.stop() }
                if self.isEnding { self.copy() }
            }
        } catch {
            // Watched already: flush was called from there.
        }
    }

    private var hasHungUp: Bool {
        var poll = pollfd(fd: fifo, events: Int16(POLLIN), revents: 0)
        return Glibc.poll(&poll, 1, 0) > 0 && poll.revents & Int16(POLLHUP) != 0
    }
}
