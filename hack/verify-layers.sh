#!/usr/bin/env bash
# Checks that the target graph follows the layout: an edge points down, except the ones named here with a reason.
set -euo pipefail
cd "$(dirname "$0")/.."
swift package dump-package | python3 hack/verify_layers.py
