"""Reads `swift package dump-package` on stdin; prints every edge of the target graph that breaks the layout."""
import json
import sys

# Data-flow order, top to bottom. A target may depend on its own layer and on the layers below.
LAYERS = ["Commands", "ControlPlane", "Node", "Shim", "Sandbox", "Engine", "Platform"]
# ControlPlane and Node meet only here (docs/RATIONALE.md): the only edges that point up.
MEETING_PLACE = {"KubernetesAPI", "ObjectStore"}
# These layers carry a workload: no package, only the toolchain and the kernel.
NO_PACKAGES = {"Shim", "Sandbox", "Engine", "Platform"}


def main() -> int:
    package = json.load(sys.stdin)
    layer_of = {}
    for target in package["targets"]:
        parts = (target.get("path") or "").split("/")
        if parts[0] == "Sources":
            layer_of[target["name"]] = parts[1]
    failures = []
    edges = 0
    for target in package["targets"]:
        layer = layer_of.get(target["name"])
        if layer is None:
            continue
        if layer not in LAYERS:
            failures.append(f"{target['name']}: folder Sources/{layer} is not a layer")
            continue
        for dependency in target["dependencies"]:
            kind, value = next(iter(dependency.items()))
            name = value[0]
            edges += 1
            if kind == "product":
                if layer in NO_PACKAGES:
                    failures.append(f"{target['name']} ({layer}) uses the package product {name}: {layer} has no packages")
                continue
            below = layer_of.get(name)
            if below is None:
                failures.append(f"{target['name']} depends on {name}, which is not under Sources")
            elif LAYERS.index(below) < LAYERS.index(layer) and name not in MEETING_PLACE:
                failures.append(f"{target['name']} ({layer}) depends upward on {name} ({below})")
            elif layer == "ControlPlane" and below == "Node":
                failures.append(f"{target['name']} (ControlPlane) depends on {name} (Node): they meet only in ObjectStore")
            elif below == "Node" and layer not in ("Node", "Commands"):
                failures.append(f"{target['name']} ({layer}) depends on {name} (Node)")
    for failure in failures:
        print(f"layers: {failure}")
    print(f"layers: {edges} edges, {len(failures)} wrong")
    return 1 if failures else 0


sys.exit(main())
