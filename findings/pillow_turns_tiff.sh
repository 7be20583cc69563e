#!/usr/bin/env bash
# Pillow 13.0.0, 2026-12-01: which formats does Image.load turn by their EXIF orientation?
# The good guess: none; a picture comes as it is stored, and ImageOps.exif_transpose turns it where that is wanted.
# Seen: a TIFF alone is turned when it is loaded, and forgets that it was; JPEG, PNG and WebP come as they are stored.
# So code that reads "as stored" differs by format, and turning by an orientation noted before loading turns TIFF twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m pip install --quiet --target "$folder" pillow==13.0.0
PYTHONPATH=$folder python3 - <<'PY'
from io import BytesIO

from PIL import Image

exif = Image.Exif()
exif[0x0112] = 6
sizes = {}
for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
    stream = BytesIO()
    Image.new("RGB", (40, 20)).save(stream, kind, exif=exif)
    image = Image.open(stream)
    image.load()
    sizes[kind] = (image.size, image.getexif().get(0x0112))
print(sizes)
stored = ((40, 20), 6)
assert sizes == {"JPEG": stored, "PNG": stored, "WEBP": stored, "TIFF": ((20, 40), None)}
PY
