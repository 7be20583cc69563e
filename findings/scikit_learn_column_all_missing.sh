#!/usr/bin/env bash
# scikit-learn 1.9.1 with numpy 2.4.6, Python 3.11, seen 2026-12-01.
# Guess: HistGradientBoostingClassifier, which takes NaN as missing, learns from the other columns where one column is
# missing in every row (as the price is in a shop that states none), as it does where a column is constant.
# Seen: a constant column and one that is missing in all rows but one are taken; one that is missing in all rows ends the
# fit in a ValueError about the shape of a window, which names neither the column nor missing values.
# Ends with status 1 once that is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scikit-learn==1.9.1" "numpy==2.4.6"
cat > "$folder/missing.py" <<'PYTHON'
import sys
import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

rng = np.random.default_rng(0)
told = rng.random(300)
same = told > 0.5
columns = {"constant": np.ones(300), "missing but once": np.full(300, np.nan), "missing": np.full(300, np.nan)}
columns["missing but once"][0] = 3.0
seen = {}
for name, column in columns.items():
    try:
        HistGradientBoostingClassifier(max_iter=5).fit(np.column_stack([told, column]), same)
        seen[name] = "learned"
    except ValueError as error:
        seen[name] = "ValueError"
        print(f"{name}: {error}")
print(seen)
sys.exit(0 if seen == {"constant": "learned", "missing but once": "learned", "missing": "ValueError"} else 1)
PYTHON
"$folder/venv/bin/python" "$folder/missing.py"
