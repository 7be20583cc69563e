#!/usr/bin/env bash
# Train the ablations of options/ablation on the demo's data with several seeds and compare them:
# SEEDS="0 1 2" bash scripts/ablate.sh [--study NAME] [section.key=value ...]. Run again, it goes on where it was.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh requirements.txt
"$PYTHON" -m scripts data demo --out datasets/demo
exec "$PYTHON" scripts/ablate.py "$@" --seeds ${SEEDS:-0 1 2}
