#!/usr/bin/env bash
# Train: bash train.sh OPTION_FILE [section.key=value ...]. Without arguments: the demo, its data included.
# NPROC=2 bash train.sh ... takes two processes; without NPROC, one for each GPU.
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh requirements.txt
if [ $# -eq 0 ]; then
    "$PYTHON" -m scripts data demo --out datasets/demo
    echo "When this is done: bash predict.sh"
    set -- options/demo.yml
fi
exec "$PYTHON" -m engine.launch train.py "$@"
