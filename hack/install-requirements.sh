#!/usr/bin/env bash
# Installs what the build and the tests need beyond the Swift toolchain, from Debian. Does nothing when all is there.
# Usage: hack/install-requirements.sh [build|test]
set -euo pipefail

packages=(libseccomp-dev libyaml-dev libsqlite3-dev zlib1g-dev libzstd-dev libssl-dev pkg-config binutils curl)
# The compiler's headers and libraries.
packages+=(llvm-19-dev libstdc++-12-dev libtinfo-dev)
if [ "${1:-build}" = test ]; then
    packages+=(python3 python3-venv procps iproute2)
    # A generator of modules, for hack/fuzz.sh.
    packages+=(binaryen)
    # Those whose runtime Swiftlet can be, for ContainerTests.
    packages+=(containerd runc podman conmon busybox-static containernetworking-plugins)
    # Registries and image tools, for ImagePeerTests.
    packages+=(openssl skopeo docker-registry)
    # Debian's is 1.20; a newer one that is there already is just as good.
    command -v kubectl >/dev/null || packages+=(kubernetes-client)
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "missing Debian packages: ${missing[*]} (install them as root)" >&2; exit 1; }
    sudo=sudo
fi
echo "installing from Debian: ${missing[*]}"
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
