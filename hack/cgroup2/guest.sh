#!/usr/bin/env bash
# Runs the tests that touch cgroups, as the first process of the virtual machine that hack/test-cgroup2.sh starts, and
# turns the machine off.
# Usage: guest.sh PACKAGE
set -uo pipefail
package=$1
end() {
    echo "SWIFTLET-CGROUP2 result $?: after $(cut -d' ' -f1 /proc/uptime) s"
    echo o >/proc/sysrq-trigger
    sleep 30
}
trap end EXIT
cd "$package" || exit 125
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
# shellcheck source=/dev/null
. .build/cgroup2/environment

# As an init system does: controllers for those below the root, and every process in a group of its own.
mkdir /sys/fs/cgroup/session
echo $$ >/sys/fs/cgroup/session/cgroup.procs
echo "+cpu +memory +pids" >/sys/fs/cgroup/cgroup.subtree_control || exit 125
echo "kernel $(uname -r), cgroup controllers: $(cat /sys/fs/cgroup/cgroup.controllers)"
awk '$3 == "cgroup" { print "unexpected: " $0; found = 1 } END { exit found }' /proc/mounts || exit 125

"$TEST_PROGRAM" --testing-library swift-testing --no-parallel "${TEST_ARGUMENTS[@]}"
status=$?

# What the tests promise to take away is away: processes and groups.
left=$(find /sys/fs/cgroup -mindepth 1 -type d -path '*swiftlet*')
[ -z "$left" ] || { echo "cgroups left: $left"; status=1; }
left=$(ps -eo pid,args | grep -E '[s]wiftlet-(sandbox|shim)|[c]ontainerd-shim-swiftlet')
[ -z "$left" ] || { echo "processes left: $left"; status=1; }
exit $status
