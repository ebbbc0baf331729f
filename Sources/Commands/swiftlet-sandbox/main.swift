// SPDX-License-Identifier: Apache-2.0
// Swiftlet: the process around one workload. Its arguments are for people who read process lists; what it does comes over
// the control socket. See docs/security/sandbox.md.

import Glibc
import LaunchProtocol

exit(Launch(control: LaunchSpec.controlDescriptor).run())
