"""Products: the factors that tell them apart, and the values each factor can take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Factor = Literal["brand", "model", "variant", "colour", "pattern", "shape"]
FACTORS: tuple[Factor, ...] = get_args(Factor)

MODEL_LETTERS = "ADKT"
MODEL_DIGITS = "12345"


@dataclass(frozen=True, slots=True)
class Product:
    """One product; two listings show the identical product if and only if all fields are equal.

    The values repeat across products on purpose: what has to be learnt is to compare them.
    """

    category: str
    brand: str
    model: str
    """A letter, a digit, a hyphen and a digit."""
    variant: str
    """Size or taste, whichever the category has."""
    colour: str
    pattern: str
    shape: str

    def differences(self, other: Product) -> tuple[Factor, ...]:
        """Return the factors in which two products differ; the category is not among them."""
        return tuple(factor for factor in FACTORS if getattr(self, factor) != getattr(other, factor))


BRANDS: dict[str, str] = {
    "云舟": "Yunzhou", "木岚": "Mulan", "初禾": "Chuhe", "贝森": "Beisen", "青屿": "Qingyu",
    "朗悦": "Langyue",
    "米陀": "Mituo", "星澜": "Xinglan", "诺柏": "Nuobo", "芊果": "Qianguo", "极芒": "Jimang",
    "听雪": "Tingxue",
    "欧黛": "Oudai", "泊野": "Boye", "鹿禾": "Luhe", "沐辰": "Muchen", "简物": "Jianwu",
    "拾间": "Shijian",
}  # fmt: skip
"""Invented brand names with their Latin forms."""

COLOURS: dict[str, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "red": ((208, 30, 42), ("红色", "大红", "中国红")),
    "orange": ((246, 134, 22), ("橙色", "活力橙", "橙")),
    "yellow": ((250, 216, 52), ("黄色", "柠檬黄", "明黄")),
    "green": ((44, 146, 66), ("绿色", "墨绿", "森林绿")),
    "cyan": ((84, 204, 206), ("青色", "天青", "湖青")),
    "blue": ((34, 78, 196), ("蓝色", "宝蓝", "海军蓝")),
    "purple": ((124, 54, 164), ("紫色", "葡萄紫", "深紫")),
    "pink": ((250, 156, 190), ("粉色", "樱花粉", "浅粉")),
    "brown": ((122, 76, 44), ("棕色", "咖啡棕", "深棕")),
    "black": ((36, 36, 42), ("黑色", "曜石黑", "经典黑")),
}
"""Red, green and blue of each colour, and the words for it."""

PATTERNS: dict[str, tuple[str, ...]] = {
    "plain": ("纯色", "素色"),
    "horizontal": ("横条纹", "横纹"),
    "vertical": ("竖条纹", "竖纹"),
    "check": ("格子", "方格"),
    "dots": ("波点", "圆点"),
    "halves": ("拼色", "撞色拼接"),
    "heart": ("爱心", "心心"),
}
"""The words for each pattern."""

SERIES = ("轻享", "经典", "都市", "森系", "悦动", "暖阳", "匠心", "元气")
"""Series; all products of a family are of one series."""
