"""Run a submission's similarity.py over pairs of embeddings: the program of a process of its own.

Reads, from standard input, pairs as two unsigned 32-bit lengths and then as many doubles; answers each on
standard output with one double. What similarity.py prints goes to standard error.
"""

import array
import importlib.util
import os
import struct
import sys
from pathlib import Path


def main() -> None:
    """Answer pairs until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    file = Path(sys.argv[1])
    spec = importlib.util.spec_from_file_location("similarity", file)
    assert spec is not None  # the caller has seen the file
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    while header := sys.stdin.buffer.read(8):
        sides = []
        for length in struct.unpack("<II", header):
            numbers = array.array("d")
            numbers.frombytes(sys.stdin.buffer.read(8 * length))
            sides.append(numbers.tolist())
        answers.write(struct.pack("<d", float(module.compute(*sides))))
        answers.flush()


if __name__ == "__main__":
    main()
