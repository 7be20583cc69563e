"""Write the item encoder of a checkpoint for other programs: python scripts/export_onnx.py CHECKPOINT OUT [--int8]

OUT gets item_encoder.onnx, the tokenizer's files and preprocessing.json, which says all else: how pictures and texts
become inputs, and how two embeddings become a decision. The graph is compared with the model on validation items.
A run's folder (experiments/<name>) stands for its best checkpoint. A checkpoint that keeps no options of its own, a
published .pth or an imported one, takes them, the decision threshold among them, of an option file:

  python scripts/export_onnx.py NET.pth OUT --options options/63_grad_clip_norm_0.5.yml predict.threshold=1.65
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.experiment import ExperimentOptions
from engine.onnx_encoder import EXPORT, check_onnx_packages
from options.errors import exit_on_user_error
from options.read import read_options
from scripts.arguments import at_least_one


@exit_on_user_error()
def main() -> None:
    """Parse the command line, export, print what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="experiments/<name>, or any checkpoint")
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write; must not exist")
    parser.add_argument("overrides", nargs="*", metavar="section.key=value", help="an option in place of the file's")
    parser.add_argument("--options", type=Path, metavar="OPTION_FILE", help="for a checkpoint without options, a .pth")
    parser.add_argument("--int8", action="store_true", help="weights of matrix products in eight bits, and measure it")
    parser.add_argument(
        "--pairs",
        type=at_least_one,
        default=2000,
        metavar="N",
        help="validation pairs, the first ones, on which int8 is measured (%(default)s)",
    )
    parsed = parser.parse_intermixed_args()
    if parsed.overrides and parsed.options is None:
        parser.error(f"{parsed.overrides[0]}: changes an option file; name that (--options)")
    # What is wrong in it is told before torch is imported, which takes seconds.
    given = read_options(ExperimentOptions, parsed.options, parsed.overrides) if parsed.options is not None else None
    check_onnx_packages(*EXPORT)
    from engine.named_checkpoint import named_checkpoint
    from tools.exchange.onnx.effect import effect_table
    from tools.exchange.onnx.export import export, read_source, refuse_existing
    from tools.exchange.onnx.parity import parity_table

    refuse_existing(parsed.out)
    checkpoint = named_checkpoint(parsed.checkpoint, given)
    source = read_source(checkpoint, labelled=parsed.int8)
    found = export(source, parsed.out, parsed.int8, parsed.pairs)
    print(f"{parsed.out}: the encoder of {checkpoint.path}, {found.mebibytes:,.1f} MiB")
    split = f"data.{source.split_name}"
    print(f"float32 in onnxruntime against PyTorch, on items of {split}:\n{parity_table(found.parity)}")
    if found.effects:
        print(f"pairs of {split} at the decision threshold {source.rule.threshold:.4f}:\n{effect_table(found.effects)}")


if __name__ == "__main__":
    main()
