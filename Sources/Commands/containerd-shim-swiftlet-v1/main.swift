// SPDX-License-Identifier: Apache-2.0
print("containerd-shim-swiftlet-v1")
