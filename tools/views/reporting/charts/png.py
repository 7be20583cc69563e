"""A drawing as pixels, drawn larger than it is and reduced, which smooths the edges."""

import os
from itertools import pairwise
from math import hypot
from pathlib import Path
from typing import assert_never

from PIL import Image, ImageDraw, ImageFont

from engine.disk import writing
from tools.views.colours import FONT_SIZE, LIGHT, Colour
from tools.views.reporting.charts.drawing import Box, Dot, Drawing, Label, Line, Mark, Point

PIXELS_A_UNIT = 3
"""Of the picture, for each pixel of the drawing."""
OVERSAMPLING = 3
DASH, GAP = 5.0, 4.0
TEXT_ANCHORS = {"start": "ls", "middle": "ms", "end": "rs"}
"""Pillow's names of the places on the baseline."""


def picture_of(drawing: Drawing) -> Image.Image:
    """Return the drawing as an RGB picture of PIXELS_A_UNIT times its size, in the colours of the light theme."""
    scale = PIXELS_A_UNIT * OVERSAMPLING
    canvas = Image.new("RGB", (drawing.width * scale, drawing.height * scale), LIGHT.background)
    pen = _Pen(canvas, scale)
    for mark in drawing.marks:
        pen.draw(mark)
    return canvas.resize((drawing.width * PIXELS_A_UNIT, drawing.height * PIXELS_A_UNIT), Image.Resampling.LANCZOS)


def write_png(drawing: Drawing, file: Path) -> None:
    """Write the drawing as a PNG file, whole or not at all, and make its folder; raises UserError where it cannot."""
    write_picture(picture_of(drawing), file)


def write_picture(picture: Image.Image, file: Path) -> None:
    """Write a picture as a PNG file, whole or not at all, and make its folder; raises UserError where it cannot."""
    temporary = file.with_name(f".{file.name}.writing")
    with writing(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("wb") as stream:
                picture.save(stream, "PNG", optimize=True)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(file)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


class _Pen:
    """Draws marks on a canvas of `scale` pixels for each of the drawing."""

    def __init__(self, canvas: Image.Image, scale: int) -> None:
        self._canvas = canvas
        self._scale = scale
        self._draw = ImageDraw.Draw(canvas, "RGBA")  # lays translucent colours over what is there
        self._font = ImageFont.load_default(FONT_SIZE * scale)

    def draw(self, mark: Mark) -> None:
        """Draw one mark."""
        colour = LIGHT.of_role[mark.role]
        match mark:
            case Line():
                self._line(mark, colour)
            case Box():
                corner = mark.left + mark.width, mark.top + mark.height
                # The last row and column of pixels belong to the neighbour.
                right, bottom = (end - 1 for end in self._pixels(corner))
                left, top = self._pixels((mark.left, mark.top))
                if right >= left and bottom >= top:
                    self._draw.rectangle((left, top, right, bottom), fill=(*colour, round(255 * mark.opacity)))
            case Dot():
                x, y = self._pixels(mark.centre)
                self._draw.circle((x, y), mark.radius * self._scale, fill=colour)
            case Label():
                self._label(mark, colour)
            case _:
                assert_never(mark)

    def _line(self, line: Line, colour: Colour) -> None:
        width = max(1, round(line.width * self._scale))
        for part in dashes(line.points) if line.dashed else [line.points]:
            self._draw.line([self._pixels(point) for point in part], fill=colour, width=width, joint="curve")

    def _label(self, label: Label, colour: Colour) -> None:
        anchor = TEXT_ANCHORS[label.anchor]
        text = label.text.replace("−", "-")  # Pillow's own font lacks the minus sign
        if not label.upwards:
            self._draw.text(self._pixels(label.place), text, fill=colour, font=self._font, anchor=anchor)
            return
        left, top, right, bottom = (round(side) for side in self._font.getbbox(text, anchor=anchor))
        mask = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(mask).text((-left, -top), text, fill=255, font=self._font, anchor=anchor)
        x, y = self._pixels(label.place)
        self._canvas.paste(colour, (x + top, y - right), mask.transpose(Image.Transpose.ROTATE_90))

    def _pixels(self, point: Point) -> tuple[int, int]:
        return round(point[0] * self._scale), round(point[1] * self._scale)


def dashes(points: tuple[Point, ...]) -> list[tuple[Point, Point]]:
    """Return the strokes of a dashed line through points, the pattern going on around corners."""
    strokes: list[tuple[Point, Point]] = []
    done = 0.0  # length since the pattern began
    for (from_x, from_y), (to_x, to_y) in pairwise(points):
        length = hypot(to_x - from_x, to_y - from_y)
        at = 0.0
        while length - at > 1e-9:
            within = done % (DASH + GAP)
            # A rest too small to move by counts as the end of its stroke or gap.
            stroke = within < DASH - 1e-9
            left = (DASH if stroke else DASH + GAP) - within
            end = min(length, at + max(left, 1e-6))
            if stroke:
                first, last = at / length, end / length
                strokes.append(
                    (
                        (from_x + first * (to_x - from_x), from_y + first * (to_y - from_y)),
                        (from_x + last * (to_x - from_x), from_y + last * (to_y - from_y)),
                    )
                )
            done += end - at
            at = end
    return strokes
