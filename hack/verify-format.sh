#!/usr/bin/env bash
# Checks formatting and lint (.swift-format), licence lines and file lengths. hack/update-format.sh fixes the formatting.
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t files < <(git ls-files --cached --others --exclude-standard 'Sources/*.swift' 'Tests/*.swift' Package.swift |
    grep -v /Generated/)
swift format lint --strict --parallel "${files[@]}"

failed=0
for file in "${files[@]}"; do
    [ "$file" = Package.swift ] ||
        head -1 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$file:1: no licence line"; failed=1; }
    lines=$(wc -l <"$file")
    [ "$lines" -le 800 ] || { echo "$file: $lines lines, at most 800"; failed=1; }
done
exit $failed
