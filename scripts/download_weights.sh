#!/usr/bin/env bash
# Download both pretrained backbones: bash scripts/download_weights.sh [OUT]   (OUT is weights by default; --help)
# Environment: HF_ENDPOINT (a mirror of the hub), HF_TOKEN, PYTHON (an interpreter that has requirements.txt; found or
# set up otherwise). Exit status: 0 both are there, 2 something needs your hand (the message says what).
set -eu
scripts=$(cd "$(dirname "$0")" && pwd)
if [ -z "${PYTHON:-}" ]; then
    here=$PWD
    cd "$scripts/.."
    source scripts/setup.sh requirements.txt
    case "$PYTHON" in */*) PYTHON=$PWD/$PYTHON ;; esac
    cd "$here"
fi
exec "$PYTHON" "$scripts/download_weights.py" "$@"
