"""The words that the model knows: objects, backgrounds, sizes and relations in English and Chinese."""

import csv
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Thing:
    """One object: the code point that names its artwork, and its names (the first is the usual one)."""

    code: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    held_out: bool


@dataclass(frozen=True)
class Background:
    english: tuple[str, ...]
    chinese: tuple[str, ...]
    rgb: tuple[int, int, int]


BACKGROUNDS = (
    Background(("white",), ("白色", "白"), (245, 245, 245)),
    Background(("black",), ("黑色", "黑"), (25, 25, 28)),
    Background(("gray", "grey"), ("灰色", "灰"), (128, 132, 136)),
    Background(("red",), ("红色", "红"), (200, 50, 48)),
    Background(("orange",), ("橙色", "橙"), (240, 145, 50)),
    Background(("yellow",), ("黄色", "黄"), (250, 220, 90)),
    Background(("green",), ("绿色", "绿"), (70, 160, 80)),
    Background(("blue",), ("蓝色", "蓝"), (60, 110, 210)),
    Background(("purple", "violet"), ("紫色", "紫"), (130, 80, 180)),
    Background(("pink",), ("粉色", "粉红色"), (245, 170, 190)),
)

SHIPPED = 24  # objects that the model in weights/emoji knows: the first of the table

# Index 0 is the usual size, which a caption does not name.
SIZES = ("normal", "small", "big")
SIZE_WORDS = {
    1: (("small", "little", "tiny"), ("小", "小小的")),
    2: (("big", "large", "huge"), ("大", "大大的")),
}

# The first object's place as seen from the second.
RELATIONS = ("left", "right", "above", "below")
RELATION_WORDS = (
    (("to the left of", "left of"), ("左边", "左侧")),
    (("to the right of", "right of"), ("右边", "右侧")),
    (("above", "over"), ("上面", "上方")),
    (("below", "under"), ("下面", "下方")),
)

# Words without a meaning here: the model learns to look past what it does not know.
FILLERS = (("nice", "cute", "lovely", "beautiful", "simple"), ("可爱的", "漂亮的", "简单的"))


def things(limit: int | None = None) -> list[Thing]:
    """The objects that training shows, in the table's order; `limit` keeps the first ones. Those that are
    held out no stage ever sees: they are kept for teaching the model a new word later."""
    return [thing for thing in table() if not thing.held_out][:limit]


def table() -> list[Thing]:
    """Every row of vocabulary.tsv."""
    path = Path(__file__).with_name("vocabulary.tsv")
    with path.open(encoding="utf-8") as lines:
        return [
            Thing(
                code=row["code"],
                english=tuple(row["english"].split(",")),
                chinese=tuple(row["chinese"].split(",")),
                held_out=row["held_out"] == "yes",
            )
            for row in csv.DictReader(lines, delimiter="\t")
        ]
