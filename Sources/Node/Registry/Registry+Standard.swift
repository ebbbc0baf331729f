// SPDX-License-Identifier: Apache-2.0
// Swiftlet: registries as this machine and this user have set them up.

public import Images
import Linux

extension Registry {
    /// Reads `registries.json` (`SWIFTLET_REGISTRIES`, else `/etc/swiftlet/registries.json`) and what docker's or podman's
    /// `login` has left, and the proxies that the environment names.
    public static func standard(
        _ store: ContentStore, _ environment: [String: String]
    ) throws(ImageError) -> Registry {
        var registry = Registry(store: store)
        let named = environment["SWIFTLET_REGISTRIES"].flatMap { $0.isEmpty ? nil : $0 }
        let path = named ?? "/etc/swiftlet/registries.json"
        // A file that is named has to be there.
        if named != nil || Files.exists(path) { registry.configuration = try RegistryConfiguration(path: path) }
        registry.credentials = try .user(environment)
        registry.proxies = try HTTPProxies(environment)
        return registry
    }
}
