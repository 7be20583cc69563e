"""Ways in which files of a checkpoint are damaged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from tests.endurance.run_files import SUMS

ENCODER, TRAINING, STATE = "item_encoder.safetensors", "training.safetensors", "state.json"
Kind = Literal["cut short", "a bit turned", "missing or empty"]


@dataclass(frozen=True, slots=True)
class Damage:
    """One way, done to one file."""

    kind: Kind
    file: str
    where: str
    change: Callable[[Path], None]

    @property
    def title(self) -> str:
        """A name for messages and folders."""
        return f"{self.file} {self.kind if self.kind != 'missing or empty' else ''} {self.where}".replace("  ", " ")

    def do(self, checkpoint: Path) -> None:
        """Damage the file of a checkpoint."""
        self.change(checkpoint / self.file)


def cut(file: Path, share: float) -> None:
    """Keep the first share of a file, and in any case not its last byte."""
    content = file.read_bytes()
    file.write_bytes(content[: min(int(len(content) * share), len(content) - 1)])


def keep_first_line(file: Path) -> None:
    """Cut a text where nothing in it shows that more should follow."""
    file.write_bytes(file.read_bytes().partition(b"\n")[0] + b"\n")


def turn_bit(file: Path, place: float) -> None:
    """Turn one bit of the byte at a place from 0, the first, to 1, the last."""
    content = bytearray(file.read_bytes())
    content[round(place * (len(content) - 1))] ^= 1
    file.write_bytes(content)


def empty(file: Path) -> None:
    """Leave nothing in a file."""
    file.write_bytes(b"")


DAMAGES = (
    *(
        Damage("cut short", file, where, partial(cut, share=share))
        for file, where, share in (
            (ENCODER, "in the middle", 0.5),
            (ENCODER, "by a byte", 1.0),
            (TRAINING, "near the start", 0.001),
            (STATE, "in the middle", 0.5),
            (SUMS, "in the middle", 0.5),
        )
    ),
    Damage("cut short", SUMS, "after its first line", keep_first_line),
    *(
        Damage("a bit turned", file, where, partial(turn_bit, place=place))
        for file, where, place in (
            (ENCODER, "at the start", 0.0),
            (ENCODER, "in the middle", 0.5),
            (TRAINING, "at the end", 1.0),
            (STATE, "in the middle", 0.5),
            (SUMS, "at the start", 0.0),
        )
    ),
    *(Damage("missing or empty", file, "missing", Path.unlink) for file in (ENCODER, TRAINING, STATE, SUMS)),
    *(Damage("missing or empty", file, "empty", empty) for file in (TRAINING, STATE)),
)
