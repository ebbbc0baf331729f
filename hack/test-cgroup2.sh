#!/usr/bin/env bash
# Runs the tests that touch cgroups on a machine with cgroup version 2 alone: a virtual machine with Debian's own
# kernel, emulated (no /dev/kvm needed), whose root is this machine's root with a writable layer in memory.
# Usage: hack/test-cgroup2.sh [--filter PATTERN]...   after hack/build.sh --tests
# Exit code: 0 passed, or skipped with the reason (failed instead with SWIFTLET_CGROUP2_REQUIRED=1); 1 failed.
set -euo pipefail
cd "$(dirname "$0")/.."

# LIMIT: seconds for the whole machine; the tests inside have limits of their own.
seconds_max=${SWIFTLET_CGROUP2_SECONDS:-540}
folder=.build/cgroup2
program=$(readlink -f .build/release)/swiftletPackageTests.xctest
package=$PWD

skip() {
    echo "SKIPPED: tests on cgroup version 2: $*" >&2
    [ -z "${SWIFTLET_CGROUP2_REQUIRED:-}" ] || exit 1
    exit 0
}

[ -x "$program" ] || { echo "$program: not built; run hack/build.sh --tests first" >&2; exit 1; }
[ "$(uname -m)" = x86_64 ] || skip "written for x86_64, this is $(uname -m)"
[ "$(id -u)" -eq 0 ] || skip "sharing this machine's root with a virtual machine needs root"
command -v apt-get >/dev/null || skip "its parts come from Debian packages, and there is no apt-get"

install_packages() {
    local missing=() item
    for item in qemu-system-x86_64:qemu-system-x86 busybox:busybox-static cpio:cpio; do
        command -v "${item%%:*}" >/dev/null || missing+=("${item##*:}")
    done
    [ ${#missing[@]} -eq 0 ] && return
    echo "installing from Debian: ${missing[*]}"
    apt-get update -qq || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

find_virtiofsd() { # Debian 12 ships it with qemu-system-common, later ones in a package of its own.
    local candidate
    for candidate in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd; do
        [ -x "$candidate" ] && { echo "$candidate"; return; }
    done
    return 1
}

fetch_kernel() { # the newest cloud kernel: it has virtio as modules, and no more than a virtual machine needs
    compgen -G "$folder/kernel/boot/vmlinuz-*" >/dev/null && return
    local name
    name=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image/ { print $2; exit }')
    if [ -z "$name" ]; then
        apt-get update -qq || return 1
        name=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ { print $2; exit }')
    fi
    [ -n "$name" ] || return 1
    mkdir -p "$folder/download" "$folder/unpacked"
    (cd "$folder/download" && apt-get download -qq "$name" 2>/dev/null) || return 1
    dpkg-deb -x "$folder"/download/"$name"_*.deb "$folder/unpacked" || return 1
    rm -rf "$folder/kernel" "$folder/download"
    mv "$folder/unpacked" "$folder/kernel"
}

make_initial_ramdisk() { # busybox, the modules that reach the host's files, and our init
    local root=$folder/initial module path
    local modules=(fuse virtio virtio_ring virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtiofs overlay)
    rm -rf "$root"
    mkdir -p "$root"/{bin,modules,proc,sys,dev,host,above}
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp hack/cgroup2/init "$root/init"
    chmod 755 "$root/init"
    for module in "${modules[@]}"; do
        path=$(find "$folder/kernel/lib/modules" -name "$module.ko" | head -1)
        [ -n "$path" ] || continue # built into the kernel
        cp "$path" "$root/modules/"
    done
    (cd "$root" && find . | cpio -o -H newc --quiet) >"$folder/initial.cpio"
}

install_packages || skip "the packages of the virtual machine cannot be installed"
virtiofsd=$(find_virtiofsd) || { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq virtiofsd >/dev/null 2>&1 || true
    virtiofsd=$(find_virtiofsd) || skip "virtiofsd is not installed and has no package here"; }
mkdir -p "$folder"
fetch_kernel || skip "Debian's kernel package cannot be downloaded"
make_initial_ramdisk

# What runs inside: all that touches cgroups or namespaces. Left out: costs in time and memory, which an emulated
# processor does not tell, and what has nothing to do with either and is slow there.
arguments=("$@")
if [ ${#arguments[@]} -eq 0 ]; then
    arguments=(--filter LinuxTests --filter WorkloadTests --filter SandboxTests --filter ShimTests
        --filter MainJobTests.MainJobTests --filter MainJobTests.RootlessTests --filter "OOMKilled with 137"
        --skip "costs less than the budget" --skip "500 random steps" --skip "two idle pods"
        --skip "a port below 1024" --skip "another user's identity" --skip "a folder of somebody else"
        --skip "WebAssembly text" --skip "with a network" --skip "quick reader" --skip "flood of logs")
fi
{
    declare -p arguments | sed 's/ arguments=/ TEST_ARGUMENTS=/'
    echo "TEST_PROGRAM=$program"
    [ -z "${SWIFTLET_SHARED:-}" ] || echo "export SWIFTLET_SHARED=$SWIFTLET_SHARED"
} >"$folder/environment"

socket=$folder/virtiofs.socket
rm -f "$socket"
"$virtiofsd" --socket-path="$socket" -o source=/ -o cache=always -o sandbox=chroot -o xattr --rlimit-nofile=0 \
    --thread-pool-size=2 >"$folder/virtiofsd.log" 2>&1 &
virtiofsd_process=$!
trap 'kill $virtiofsd_process 2>/dev/null || true; rm -f "$socket"' EXIT
for _ in $(seq 100); do [ -S "$socket" ] && break; sleep 0.05; done
[ -S "$socket" ] || skip "virtiofsd does not start: $(tail -1 "$folder/virtiofsd.log")"

timeout "$seconds_max" qemu-system-x86_64 -M q35 -accel tcg,thread=multi -cpu max -smp 2 -m 2048 -nographic -no-reboot \
    -nodefaults -serial stdio -object memory-backend-memfd,id=memory,size=2048M,share=on -numa node,memdev=memory \
    -chardev socket,id=files,path="$socket" -device vhost-user-fs-pci,chardev=files,tag=host \
    -kernel "$(echo "$folder"/kernel/boot/vmlinuz-*)" -initrd "$folder/initial.cpio" \
    -append "console=ttyS0 quiet no_timer_check panic=-1 swiftlet.package=$package" </dev/null |
    sed -u -e 's/\r//g' -e 's/\x1b\[[0-9;?]*[A-Za-z]//g' -e 's/\x1bc//g' | tee "$folder/output" || true

result=$(sed -n 's/^SWIFTLET-CGROUP2 result \([0-9]*\):.*/\1/p' "$folder/output" | tail -1)
if [ -z "$result" ]; then
    echo "the virtual machine did not come to its end within $seconds_max s" >&2
    exit 1
fi
[ "$result" -eq 0 ]
