#!/usr/bin/env bash
# Embed a catalogue: bash scripts/embed_items.sh OPTION_FILE ITEMS IMAGES OUT [section.key=value ...] [--type float16]
# NPROC=2 bash scripts/embed_items.sh ... takes two processes; without NPROC, one for each GPU. Several machines: docs/catalogue.md.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh requirements.txt
exec "$PYTHON" -m engine.launch --apart scripts/embed_items.py "$@"
