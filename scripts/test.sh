#!/usr/bin/env bash
# Run the tests: bash scripts/test.sh [pytest arguments]. Sets up what they need first.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/setup.sh requirements-test.txt
source scripts/browser.sh
# One thread a test process, since there are as many of them as cores.
export OMP_NUM_THREADS=1
exec "$PYTHON" -m pytest --numprocesses auto --dist loadgroup "$@"
