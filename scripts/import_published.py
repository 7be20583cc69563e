"""Turn a published checkpoint (.pth, whole or as .partaa and .partab) into a checkpoint folder of this project.

Names are mapped without building a model, so that neither an option file nor a network is needed. Predict with it by

  bash predict.sh options/63_grad_clip_norm_0.5.yml predict.checkpoint=OUT_FOLDER predict.threshold=1.65
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from options.errors import exit_on_user_error
from tools.exchange.published_checkpoint import import_published


@exit_on_user_error()
def main() -> None:
    """Parse the command line, convert, print what was written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("published", type=Path, metavar="IN.pth", help="the file, any of its parts, or their stem")
    parser.add_argument("folder", type=Path, metavar="OUT_FOLDER", help="checkpoint folder to write; must not exist")
    parser.add_argument(
        "--image-library",
        choices=["timm", "transformers"],
        default="timm",
        help="model.image_encoder.name of the option files that will use it (%(default)s)",
    )
    arguments = parser.parse_args()
    num_tensors = import_published(arguments.published, arguments.folder, arguments.image_library)
    print(f"{arguments.folder}: {num_tensors:,} tensors")


if __name__ == "__main__":
    main()
