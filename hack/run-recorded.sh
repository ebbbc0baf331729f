#!/usr/bin/env bash
# Runs a command that runs tests, shows its output as it comes, and ends with a recap when it fails: every failed test
# with its recorded issues, or the tests that had not ended, as the last lines of all. The exit code is the command's.
# Usage: hack/run-recorded.sh RECORD COMMAND [ARGUMENT]...   RECORD: the file that keeps the output
set -uo pipefail
[ $# -ge 2 ] || { echo "usage: hack/run-recorded.sh RECORD COMMAND [ARGUMENT]..." >&2; exit 2; }
record=$1
shift
mkdir -p "$(dirname "$record")"
: >"$record"

# A file and a reader instead of a pipe: a process that a failed test left behind would hold a pipe open for ever, and
# a test program in the background would have Ctrl-C ignored. The reader ends when the process that it watches is gone.
sleep infinity &
watched=$!
tail -n +1 -f -s 0.2 --pid=$watched "$record" &
reader=$!
trap 'kill $watched 2>/dev/null' EXIT
status=0
"$@" >>"$record" 2>&1 || status=$?
kill $watched
wait $watched $reader 2>/dev/null
[ $status -ne 0 ] || exit 0

# Swift Testing marks what failed with ✘ and continues an issue with ↳; a line has at most 500 characters here.
awk -v command="$1" -v status=$status '
    function line(text) { if (length(text) > 500) text = substr(text, 1, 500) "…"; print text }
    BEGIN { print "\n== recap of failures ==" }
    { sub(/\r$/, "") }
    /^◇ (Test|Suite) .* started\.$/ && !/^◇ Test (run|case) / { name = $0; sub(/^◇ /, "", name); sub(/ started\.$/, "", name); open[name] = NR }
    /^(✔|✘|➜) (Test|Suite) .* (passed|failed|skipped)/ {
        name = $0
        sub(/^[^ ]* /, "", name)
        sub(/( with [0-9]+ test cases?)? (passed|failed) after .*| skipped.*/, "", name)
        delete open[name]
    }
    /^✘ / { failures++; line($0); isIssue = 1; next }
    isIssue && /^↳ / { line("  " $0); next }
    { isIssue = 0; if ($0 != "") last = $0 }
    END {
        for (name in open) { line("not ended: " name); failures++ }
        if (!failures) line("no failed test in the output; its last line: " last)
        print command " ended with status " status
    }' "$record"
exit $status
