// SPDX-License-Identifier: Apache-2.0
// Swiftlet: which engine a guest has, and the wish for a better one.
import LaunchProtocol
import Linux
import NativeCache
import TTRPC
import Workload

extension GuestContainer {
    /// From the launch of a container to its end.
    final class Engine {
        /// What kept native code away before there was a sandbox.
        let warnings: [String]
        weak var sandbox: SandboxProcess?
        private let code: NativeCacheKey?
        private let isAuto: Bool
        private let bundle: Bundle
        private let compiler: ShimCompiler
        private let id: String
        private let name: String

        init(_ plan: LaunchPlan, _ bundle: Bundle, _ compiler: ShimCompiler, id: String, name: String) {
            warnings = plan.nativeProblem.map { [$0] } ?? []
            code = plan.nativeCode
            isAuto = plan.spec.engine == .auto
            (self.bundle, self.compiler, self.id, self.name) = (bundle, compiler, id, name)
        }

        func noteStart() {
            let isNative = sandbox?.isNative == true
            EngineNote.write(isNative ? code : nil, toBundle: bundle.path)
            // Code of a part of the module may be all that somebody else has made in time.
            guard isAuto, !(isNative && code?.level == NativeCompiler.Level.full.rawValue) else { return }
            compiler.wish(id, name: name, profile: GuestProfile.path(bundle.path)) { [bundle] () throws(Status) in
                try bundle.resolver.resolve(bundle.process).takeDescriptor()
            }
        }

        func noteEnd() { compiler.forget(id) }
    }
}
