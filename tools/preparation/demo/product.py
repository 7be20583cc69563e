"""Products of invented categories: the factors that tell them apart, and the values each factor can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np

Factor = Literal["brand", "model", "variant", "colour", "pattern", "shape"]
FACTORS: tuple[Factor, ...] = get_args(Factor)
Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""
T = TypeVar("T")

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
    "云舟": "Yunzhou", "木岚": "Mulan", "初禾": "Chuhe", "贝森": "Beisen", "青屿": "Qingyu", "朗悦": "Langyue",
    "米陀": "Mituo", "星澜": "Xinglan", "诺柏": "Nuobo", "芊果": "Qianguo", "极芒": "Jimang", "听雪": "Tingxue",
    "欧黛": "Oudai", "泊野": "Boye", "鹿禾": "Luhe", "沐辰": "Muchen", "简物": "Jianwu", "拾间": "Shijian",
}  # fmt: skip
"""Invented brand names with their Latin forms."""

COLOURS: dict[str, tuple[Colour, tuple[str, ...]]] = {
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


@dataclass(frozen=True, slots=True)
class Category:
    """A category: its names, and the values its products can take."""

    cate_id: str
    industry: str
    parent: str
    nouns: tuple[str, ...]
    """What sellers call it, the official name first."""
    shapes: tuple[tuple[str, tuple[str, ...]], ...]
    """Each shape's drawing and the words for it."""
    model_key: Literal["型号", "货号"]
    variant_key: Literal["尺码", "尺寸", "口味"]
    variants: tuple[tuple[str, ...], ...]
    """Each size or taste in its spellings, the plainest first."""
    materials: tuple[str, ...]

    @property
    def name(self) -> str:
        """The official name."""
        return self.nouns[0]


CLOTHES_SIZES = (
    ("S", "S码", "小码S"),
    ("M", "M码", "中码M"),
    ("L", "L码", "大码L"),
    ("XL", "XL码", "加大XL"),
)
LENGTHS = (("30cm", "30CM"), ("40cm", "40CM"), ("50cm", "50CM"), ("60cm", "60CM"))
VOLUMES = (("300ml", "300ML"), ("400ml", "400ML"), ("500ml", "500ML"), ("600ml", "600ML"))
TASTES = (
    ("原味", "经典原味"),
    ("柠檬味", "柠檬"),
    ("蜜桃味", "蜜桃"),
    ("薄荷味", "薄荷"),
    ("玫瑰味", "玫瑰"),
)

CATEGORIES: dict[str, Category] = {
    category.name: category
    for category in (
        Category("50011", "家居日用", "杯壶餐具", ("马克杯", "水杯", "咖啡杯"),
                 (("mug_straight", ("直筒", "直身")), ("mug_tapered", ("锥形", "喇叭口")),
                  ("mug_round", ("圆肚", "胖胖"))),
                 "货号", "尺寸", VOLUMES, ("陶瓷", "玻璃")),
        Category("50012", "家居日用", "杯壶餐具", ("保温杯", "保温壶", "随手杯"),
                 (("flask_slim", ("细长", "修身")), ("flask_wide", ("大肚", "矮胖")),
                  ("flask_handle", ("提手", "手提"))),
                 "型号", "尺寸", VOLUMES, ("不锈钢", "钛")),
        Category("50021", "服饰鞋包", "上装", ("T恤", "上衣", "打底衫"),
                 (("shirt_short", ("短袖", "半袖")), ("shirt_long", ("长袖", "长款袖")),
                  ("shirt_none", ("无袖", "背心"))),
                 "货号", "尺码", CLOTHES_SIZES, ("纯棉", "莫代尔")),
        Category("50022", "服饰鞋包", "箱包", ("双肩包", "背包", "书包"),
                 (("bag_square", ("方形", "方款")), ("bag_round", ("圆顶", "圆弧")),
                  ("bag_trapezoid", ("梯形", "上窄下宽"))),
                 "货号", "尺寸", LENGTHS, ("帆布", "尼龙")),
        Category("50023", "服饰鞋包", "鞋靴", ("运动鞋", "休闲鞋", "跑步鞋"),
                 (("shoe_low", ("低帮", "低筒")), ("shoe_high", ("高帮", "中筒")),
                  ("shoe_boot", ("靴型", "长筒"))),
                 "货号", "尺码", CLOTHES_SIZES, ("网面", "皮革")),
        Category("50024", "服饰鞋包", "配饰", ("帽子", "遮阳帽", "休闲帽"),
                 (("hat_cap", ("鸭舌", "棒球款")), ("hat_bucket", ("渔夫", "盆帽")),
                  ("hat_beanie", ("套头", "毛球"))),
                 "货号", "尺码", CLOTHES_SIZES, ("纯棉", "羊毛")),
        Category("50013", "家居日用", "家纺布艺", ("抱枕", "靠枕", "靠垫"),
                 (("pillow_square", ("方形", "正方")), ("pillow_round", ("圆形", "圆款")),
                  ("pillow_heart", ("心形", "桃心"))),
                 "货号", "尺寸", LENGTHS, ("亚麻", "天鹅绒")),
        Category("50014", "家居日用", "家居饰品", ("花瓶", "花器", "摆件花瓶"),
                 (("vase_narrow", ("细颈", "小口")), ("vase_open", ("敞口", "宽口")),
                  ("vase_gourd", ("葫芦", "双球"))),
                 "货号", "尺寸", LENGTHS, ("陶瓷", "玻璃")),
        Category("50031", "数码家电", "灯具", ("台灯", "床头灯", "书桌灯"),
                 (("lamp_cone", ("伞形", "锥形")), ("lamp_dome", ("圆顶", "蘑菇")),
                  ("lamp_drum", ("筒形", "方罩"))),
                 "型号", "尺寸", LENGTHS, ("布艺", "铁艺")),
        Category("50015", "家居日用", "居家百货", ("雨伞", "晴雨伞", "遮阳伞"),
                 (("umbrella_dome", ("拱形", "圆拱")), ("umbrella_flat", ("平顶", "宽幅")),
                  ("umbrella_deep", ("深罩", "鸟笼"))),
                 "型号", "尺寸", LENGTHS, ("碰击布", "黑胶")),
        Category("50041", "食品饮料", "休闲零食", ("薯片", "脆片", "膨化零食"),
                 (("pack_bag", ("袋装", "软袋")), ("pack_can", ("罐装", "桶装")),
                  ("pack_box", ("盒装", "礼盒"))),
                 "货号", "口味", TASTES, ("非油炸", "油炸")),
        Category("50042", "食品饮料", "茶饮", ("花草茶", "茶包", "冷泡茶"),
                 (("pack_box", ("盒装", "礼盒")), ("pack_tin", ("铁罐", "圆罐")),
                  ("pack_pouch", ("立袋", "自封袋"))),
                 "货号", "口味", TASTES, ("三角包", "散装")),
    )
}  # fmt: skip


def pick(rng: np.random.Generator, values: Sequence[T]) -> T:
    """Draw one of the values."""
    return values[int(rng.integers(len(values)))]


def others(value: T, values: Sequence[T]) -> list[T]:
    """Return the values other than this one."""
    return [other for other in values if other != value]


def chance(rng: np.random.Generator, probability: float) -> bool:
    """Return True with this probability."""
    return bool(rng.random() < probability)
