#!/usr/bin/env bash
# Formats every Swift file in place.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files --cached --others --exclude-standard 'Sources/*.swift' 'Tests/*.swift' Package.swift |
    grep -v /Generated/ | xargs -d '\n' swift format format --in-place --parallel
