#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.14.1, Python 3.11, seen 2026-12-01.
# Guess: AutoModel builds a model from a configuration as it comes, AutoModel.from_config(CONFIG()), for every type that
# it lists, as BertConfig's does.
# Seen: FunnelConfig ends in a TypeError, since the list of its architectures, which is None, is looked through; DbrxConfig
# in an AttributeError, since its attention part has no rope_theta.
# Ends with status 1 once that is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "transformers==5.23.0"
cat > "$folder/plain.py" <<'PYTHON'
import sys
import torch
from transformers import AutoModel, BertConfig, DbrxConfig, FunnelConfig

seen = {}
for kind in (BertConfig, FunnelConfig, DbrxConfig):
    try:
        with torch.device("meta"):
            AutoModel.from_config(kind())
        seen[kind.__name__] = "built"
    except Exception as error:
        seen[kind.__name__] = type(error).__name__
        print(f"{kind.__name__}: {type(error).__name__}: {error}")
print(seen)
sys.exit(0 if seen == {"BertConfig": "built", "FunnelConfig": "TypeError", "DbrxConfig": "AttributeError"} else 1)
PYTHON
"$folder/venv/bin/python" "$folder/plain.py"
