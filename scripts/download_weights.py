"""Download both pretrained backbones into folders and say how option files read them from there.

Fetches timm/swin_large_patch4_window12_384.ms_in22k (0.8 GB) and hfl/chinese-roberta-wwm-ext (0.4 GB): configuration,
vocabulary and weights. Run it again to go on after an interruption. HF_ENDPOINT names a mirror of the hub.
Exit status: 0 both are there, 2 something needs your hand (the message says what).
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # run as a file, Python looks for modules in scripts/ alone
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from data.hub import go_offline_without_hub
from options.errors import exit_on_user_error
from tools.exchange.backbones import IMAGE, TEXT


def overrides(image_folder: Path, text_folder: Path) -> list[str]:
    """Return the arguments of train.sh and predict.sh by which they read the folders instead of asking the hub."""
    return [
        f"model.image_encoder.weights={image_folder}",
        f"model.text_encoder.architecture={text_folder}",
        f"data.text.tokenizer={text_folder}",
    ]


@exit_on_user_error()
def main() -> None:
    """Parse the command line, download, print the overrides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, nargs="?", default=Path("weights"), help="folder of the two (%(default)s)")
    out: Path = parser.parse_args().out
    # The hub's client reads its environment when it is imported, and would try an unreachable hub for a minute.
    go_offline_without_hub([IMAGE.repository, TEXT.repository])
    from tools.exchange.hub_weights import fetch_backbone

    arguments = overrides(fetch_backbone(IMAGE, out), fetch_backbone(TEXT, out))
    print("\nTo train or predict with these folders and without a network, add to the command:")
    print(" \\\n".join(f"  {argument}" for argument in arguments))


if __name__ == "__main__":
    main()
