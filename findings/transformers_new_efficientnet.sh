#!/usr/bin/env bash
# transformers 5.23.0 with torch 2.14.1, Python 3.11, seen 2026-12-01.
# Guess: a new EfficientNetModel starts with weights of 1 in its batch normalisation, as torch has it, so that two
# pictures have different features before the first step.
# Seen: these weights are drawn around 0 (standard deviation about 0.02) as those of a convolution are, and after a few
# blocks next to nothing is left: the last states of any picture are below 1e-20, in evaluation and in training.
# Ends with status 1 once that is otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torch==2.14.1" "transformers==5.23.0"
cat > "$folder/new.py" <<'PYTHON'
import sys
import torch
from transformers import EfficientNetConfig, EfficientNetModel

torch.manual_seed(0)
model = EfficientNetModel(EfficientNetConfig())
weights = torch.cat([part.weight.flatten() for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)])
with torch.no_grad():
    states = {mode: model.train(mode)(torch.randn(2, 3, 64, 64)).last_hidden_state for mode in (True, False)}
largest = {mode: float(state.abs().max()) for mode, state in states.items()}
weights = weights.detach()
print("weights of batch normalisation: mean", float(weights.mean()), "deviation", float(weights.std()))
print("largest state in training and in evaluation:", largest[True], largest[False])
sys.exit(0 if float(weights.abs().max()) < 0.5 and max(largest.values()) < 1e-20 else 1)
PYTHON
"$folder/venv/bin/python" "$folder/new.py"
