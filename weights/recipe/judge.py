"""A small classifier that says what a 64×64 picture shows, trained on true renders: the model's measure."""

import torch
from torch import nn

from scenes import Batch
from vocabulary import BACKGROUNDS, SIZES

ONE, ACROSS, DOWN = 0, 1, 2  # layouts: one object, two side by side, two one above the other


class Block(nn.Sequential):
    def __init__(self, inward: int, outward: int):
        super().__init__(
            nn.Conv2d(inward, outward, 3, stride=2, padding=1), nn.GroupNorm(8, outward), nn.SiLU(),
            nn.Conv2d(outward, outward, 3, padding=1), nn.GroupNorm(8, outward), nn.SiLU())


def choices(objects: int) -> dict[str, int]:
    """The number of possible answers by head."""
    return {"background": len(BACKGROUNDS), "size": len(SIZES), "layout": 3, "first": objects,
            "second": objects}


class Judge(nn.Module):
    """Heads: background, size, layout, and the object at the left or top (`first`), the other (`second`)."""

    def __init__(self, objects: int):
        super().__init__()
        self.trunk = nn.Sequential(
            Block(3, 32), Block(32, 64), Block(64, 128), Block(128, 128), nn.Flatten(),
            nn.Linear(128 * 16, 256), nn.SiLU())
        self.heads = nn.ModuleDict({name: nn.Linear(256, count) for name, count in choices(objects).items()})

    def forward(self, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
        """Logits [n, choices] by head, and "features" [n, 256]."""
        features = self.trunk(pictures)
        return {name: head(features) for name, head in self.heads.items()} | {"features": features}


def targets(scenes: Batch) -> dict[str, torch.Tensor]:
    """The right answer of each head; -1 where there is none (size of two objects, a second that is not)."""
    pair = scenes.second >= 0
    swapped = (scenes.relation == 1) | (scenes.relation == 3)  # the caption's first is at the right or below
    return {
        "background": scenes.background,
        "size": torch.where(pair, -1, scenes.size),
        "layout": torch.where(pair, torch.where(scenes.relation < 2, ACROSS, DOWN), ONE),
        "first": torch.where(swapped, scenes.second, scenes.first),
        "second": torch.where(swapped, scenes.first, scenes.second),
    }
