// SPDX-License-Identifier: Apache-2.0
// Swiftlet: what every controller is.
public import KubernetesAPI
public import ObjectStore

/// Makes one kind of object come true, one object at a time.
///
/// Level-based: `reconcile` looks at what there is, not at what has changed, so it may be called at any time and any
/// number of times. It runs inside a store transaction: what it reads is consistent and what it writes is atomic.
public protocol Controller: Sendable {
    /// Unique; also the source component of its events, upstream's where there is one.
    var name: String { get }

    /// The objects, as namespace and name, that have to be looked at because of `event`.
    ///
    /// Called outside any transaction; `store` is for finding objects that refer to the changed one by labels.
    func affected(by event: WatchEvent, in store: ObjectStore) -> [(namespace: String, name: String)]

    /// Brings one object closer to what it should be; returns when to look again at the latest, if time matters.
    func reconcile(namespace: String, name: String, in store: StoreTransaction, now: Time) throws(StoreError) -> Time?
}
