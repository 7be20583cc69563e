"""Write the item encoder of a checkpoint for other programs: python scripts/export_onnx.py CHECKPOINT OUT

OUT gets item_encoder.onnx, the tokenizer's files and preprocessing.json, which says all else: how pictures and texts
become inputs, and how two embeddings become a decision. The graph is compared with the model on validation items.
A run's folder (experiments/<name>) stands for its best checkpoint.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.onnx_packages import EXPORT, check_onnx_packages
from options.errors import exit_on_user_error
from scripts.preparation.summary import at_least_one


@exit_on_user_error()
def main() -> None:
    """Parse the command line, export, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="experiments/<name>, or a checkpoint in it")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; must not exist")
    parser.add_argument("--int8", action="store_true", help="weights of matrix products in eight bits, and measure it")
    parser.add_argument(
        "--pairs",
        type=at_least_one,
        default=2000,
        metavar="N",
        help="validation pairs, the first ones, on which int8 is measured (%(default)s)",
    )
    parsed = parser.parse_args()
    check_onnx_packages(*EXPORT)
    # torch takes seconds to import, which a wrong command and --help need not wait for.
    from scripts.deciding.evaluated import checkpoint_of
    from scripts.export.effect import effect_table
    from scripts.export.export import export, read_source, refuse_existing
    from scripts.export.parity import parity_table

    refuse_existing(parsed.out)
    checkpoint = checkpoint_of(parsed.checkpoint)
    source = read_source(checkpoint)
    found = export(source, parsed.out, parsed.int8, parsed.pairs)
    print(f"{parsed.out}: the encoder of {checkpoint}, {found.mebibytes:,.1f} MiB")
    print(f"float32 in onnxruntime against PyTorch, on validation items:\n{parity_table(found.parity)}")
    if found.effects:
        print(f"validation pairs at the decision threshold {source.rule.threshold:.4f}:\n{effect_table(found.effects)}")


if __name__ == "__main__":
    main()
