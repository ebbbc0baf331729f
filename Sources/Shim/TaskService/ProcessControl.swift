// SPDX-License-Identifier: Apache-2.0
// Swiftlet: how the shim holds a process: what it can do to it, and what it hears from it.
import TTRPC

/// What a process tells on its own.
enum ProcessEvent {
    /// The program runs, with what is missing of its wall.
    case started(warnings: [String])
    /// It is gone, or it never came to be.
    case ended(ExitRecord)
}

/// A process of whatever kind. Each call returns at once; what comes of it is told as events.
protocol ProcessControl: AnyObject {
    /// 0: there is no process yet. One that has ended keeps its number.
    var pid: Int32 { get }
    /// Lets the program run.
    func begin()
    /// Stops it where it is.
    func pause()
    func resume()
    /// Sends a signal to a process that has not ended.
    ///
    /// - Parameter hasStarted: the program runs, or is about to.
    func signal(_ number: Int32, hasStarted: Bool) throws(Status)
    /// Ends it, whatever it does.
    func kill()
}
