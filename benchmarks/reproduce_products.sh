#!/usr/bin/env bash
# Train the published recipe and the best one on real product photographs and texts, and compare them:
# bash benchmarks/reproduce_products.sh DATA_FOLDER [SEED ...]
# DATA_FOLDER has item_info.jsonl, pairs_train.jsonl, pairs_val.jsonl and images/. Without seeds: seed 0.
# What was trained before goes on, or is left as it is.
set -euo pipefail
if [ $# -eq 0 ] || [ ! -f "$1/item_info.jsonl" ]; then
    echo "error: give the data folder, which has item_info.jsonl: bash benchmarks/reproduce_products.sh DATA_FOLDER [SEED ...]" >&2
    exit 2
fi
data=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
source scripts/setup.sh requirements-products.txt
overrides=()
for split in train val; do
    overrides+=("data.$split.items=$data/item_info.jsonl" "data.$split.pairs=$data/pairs_$split.jsonl" "data.$split.images=$data/images")
done
for seed in "${@:-0}"; do
    for recipe in baseline best; do
        "$PYTHON" -m engine.launch train.py "options/products/$recipe.yml" "${overrides[@]}" "seed=$seed" "name=products_${recipe}_seed$seed"
    done
done
for seed in "${@:-0}"; do
    "$PYTHON" -m scripts study compare "experiments/products_baseline_seed$seed" "experiments/products_best_seed$seed"
done
