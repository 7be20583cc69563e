#!/usr/bin/env bash
# Predict: bash predict.sh OPTION_FILE [section.key=value ...]. Without arguments: the test split of the demo.
# NPROC=2 bash predict.sh ... takes two processes; without NPROC, one for each GPU.
set -euo pipefail
cd "$(dirname "$0")"
source scripts/setup.sh requirements.txt
if [ $# -eq 0 ]; then
    "$PYTHON" -m engine.launch predict.py options/demo.yml
    echo "For comparison, what needs no learning reaches on the same pairs, each at its best threshold:"
    "$PYTHON" -m scripts study baselines datasets/demo/item_test_info.jsonl datasets/demo/item_test_pair.jsonl \
        datasets/demo/item_images
else
    exec "$PYTHON" -m engine.launch predict.py "$@"
fi
