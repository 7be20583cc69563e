"""Turn a checkpoint of this project into a file that the published code loads.

The checkpoint has to be of the published network: two branches, each with a BERT, a Swin Transformer of timm or
transformers and a projection, trained with model.normalize false. Derived buffers are added.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from tools.exchange.published_checkpoint import export_published


@exit_on_user_error()
def main() -> None:
    """Parse the command line, convert, print what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path, help="checkpoint folder, or its item_encoder.safetensors")
    parser.add_argument("published", type=Path, metavar="OUT.pth", help="file to write; must not exist")
    arguments = parser.parse_args()
    num_tensors = export_published(arguments.checkpoint, arguments.published)
    print(f"{arguments.published}: {num_tensors:,} tensors")


if __name__ == "__main__":
    main()
