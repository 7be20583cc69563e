#!/usr/bin/env bash
# Pillow 13.0.0, 2026-12-01: what stands around the first frame of an animation that is smaller than its canvas?
# The good guess: nothing, transparent, as browsers show it and as the formats have it.
# Seen: in a GIF colour 0 of the palette, opaque, unless the frame names a transparent colour; in a WebP whose frames have
# no alpha, opaque black. An optimiser that has cropped a product on white leaves it on whatever colour is first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pillow==13.0.0
PYTHONPATH=$folder python3 - <<'PY'
import struct
from io import BytesIO

from PIL import Image


def corner(content):
    return Image.open(BytesIO(content)).convert("RGBA").getpixel((0, 0))


palette = bytes([255, 0, 0, 0, 255, 0])  # red, green
# A canvas of 8 x 8 with one green pixel at (4, 4): codes clear (4), 1, end (5) of three bits each.
gif = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + palette
gif += b"," + struct.pack("<HHHHB", 4, 4, 1, 1, 0) + b"\2\2" + (4 | 1 << 3 | 5 << 6).to_bytes(2, "little") + b"\0;"

stream = BytesIO()
Image.new("RGB", (2, 2), (0, 255, 0)).save(stream, "WEBP", lossless=True)
place = b"".join(number.to_bytes(3, "little") for number in (2, 2, 1, 1, 100))
parts = {b"VP8X": b"\2\0\0\0" + b"\7\0\0" * 2, b"ANIM": b"\xff\xff\xff\xff\0\0",
         b"ANMF": place + b"\0" + stream.getvalue()[12:]}
body = b"WEBP" + b"".join(name + struct.pack("<I", len(part)) + part for name, part in parts.items())
webp = b"RIFF" + struct.pack("<I", len(body)) + body

seen = {"GIF": corner(gif), "WEBP": corner(webp)}
print(seen)
assert seen == {"GIF": (255, 0, 0, 255), "WEBP": (0, 0, 0, 255)}
PY
