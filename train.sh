#!/usr/bin/env bash
# Train: bash train.sh OPTION_FILE [section.key=value ...]. Without arguments: the demo, its data included.
# NPROC=2 bash train.sh ... takes two processes; without NPROC, one for each GPU.
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh requirements.txt
if [ $# -eq 0 ]; then
    "$PYTHON" scripts/make_demo_data.py --out datasets/demo
    "$PYTHON" -m engine.launch train.py options/demo.yml
    echo "Next: bash predict.sh"
else
    exec "$PYTHON" -m engine.launch train.py "$@"
fi
