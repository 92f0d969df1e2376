"""Captioned scenes, drawn in batches: one or two sprites on a plain background, exact area antialiasing."""

import random
from dataclasses import dataclass

import torch

from captions import CHINESE, ENGLISH, Scene, caption
from vocabulary import BACKGROUNDS, Thing

PAIRS = 0.4  # share of scenes with two objects
USUAL = (0, 0, 1, 2)          # sizes that the evaluation asks for in turn
LEARNED = (0, 0, 0, 1, 1, 2)  # sizes to learn from: small objects have little say in a picture's error
# Side of an object in 64ths of the picture and how many steps of the grid its centre strays at most, by size.
# The decoder's middle lies on every eighth pixel: on a grid of 4, an object of one size is at most four stencils
# wherever it is, and a small one the same as one of two: few enough for a small decoder to learn.
SIDES = torch.tensor([38, 28, 54, 28])
STRAY = torch.tensor([1, 1, 0, 1])
GRID = 4
PAIR = 3  # the place in both tables for two objects, which stray only where neither comes near the other
CENTRES = torch.tensor([  # [relation, object, (x, y)]
    [[16.0, 32.0], [48.0, 32.0]], [[48.0, 32.0], [16.0, 32.0]],
    [[32.0, 16.0], [32.0, 48.0]], [[32.0, 48.0], [32.0, 16.0]],
])


def unseen_alone(thing: int, background: int) -> bool:
    """Whether training never shows this object alone on this background: one for each."""
    return (thing + 3 * background) % len(BACKGROUNDS) == 5


def unseen_pair(first: int, second: int, relation: int) -> bool:
    """Whether training never shows these two so, one in sixteen: "a left of b" is also "b right of a"."""
    if relation % 2:
        first, second, relation = second, first, relation - 1
    return (5 * first + 7 * second + 3 * relation) % 16 == 7


def held_out(scene: Scene) -> bool:
    """Whether training leaves this combination out; the evaluation's prompts are all of this kind."""
    return unseen_alone(scene.first, scene.background) if scene.second < 0 else unseen_pair(*scene[:3])


def draw(rng: random.Random, objects: int) -> Scene:
    """A random scene, held out or not."""
    background = rng.randrange(len(BACKGROUNDS))
    if rng.random() < PAIRS:
        first, second = rng.sample(range(objects), 2)
        return Scene(first, second, rng.randrange(4), 0, background)
    return Scene(rng.randrange(objects), -1, -1, rng.choice(LEARNED), background)


def training_scene(rng: random.Random, objects: int, every: bool = False) -> Scene:
    """A random scene to learn from; with `every` also those that are held out."""
    while True:
        scene = draw(rng, objects)
        if every or not held_out(scene):
            return scene


def held_out_scenes(rng: random.Random, objects: int, count: int) -> list[Scene]:
    """Held-out scenes in turn, one object alone on the background that it never had, and two that never stood
    so. All are asked, the usual size twice, before one comes again."""
    grounds = range(len(BACKGROUNDS))
    alone = [Scene(thing, -1, -1, size, ground) for thing in range(objects) for ground in grounds
             if unseen_alone(thing, ground) for size in USUAL]
    pairs = [Scene(first, second, relation, 0, rng.choice(grounds))
             for first in range(objects) for second in range(objects) if first != second
             for relation in range(len(CENTRES)) if unseen_pair(first, second, relation)]
    dealt = [[], []]
    for hand, deck in zip(dealt, (alone, pairs)):
        while len(hand) < count:
            hand += rng.sample(deck, len(deck))
    return [scene for both in zip(*dealt) for scene in both][:count]


@dataclass
class Batch:
    """What is in n pictures and where, on one device."""

    first: torch.Tensor       # [n] object
    second: torch.Tensor      # [n] object or -1
    relation: torch.Tensor    # [n] 0…3 or -1
    size: torch.Tensor        # [n] 0…2
    background: torch.Tensor  # [n]
    boxes: torch.Tensor       # [n, 2, 3] side, centre x, centre y in 64ths of the picture
    shade: torch.Tensor       # [n] added to the background's brightness

    def under(self, patch: int) -> torch.Tensor:
        """int64 [n, patches]: the object whose box holds each patch's centre, or -1; rows go left to right."""
        middle = torch.arange(patch / 2, 64, patch, device=self.boxes.device)
        down, across = torch.meshgrid(middle, middle, indexing="ij")
        points = torch.stack([across.flatten(), down.flatten()], dim=1)
        side, centre = self.boxes[:, :, None, 0], self.boxes[:, :, None, 1:]
        inside = ((points - centre).abs() < side[..., None] / 2).all(3)  # [n, 2, patches]
        second = torch.where(inside[:, 1], self.second[:, None], -1)
        return torch.where(inside[:, 0], self.first[:, None], second)


def place(fields: torch.Tensor) -> Batch:
    """Positions for scenes given as [n, 5] (the order of `Scene`), drawn anew at every call."""
    first, second, relation, size, background = fields.long().unbind(1)
    device, count = fields.device, len(fields)
    pair = second >= 0
    kind = torch.where(pair, PAIR, size)
    side = SIDES.to(device)[kind][:, None, None].expand(-1, 2, -1)
    centre = torch.where(pair[:, None, None], CENTRES.to(device)[relation.clamp(min=0)], 32.0)
    stray = STRAY.to(device)[kind][:, None, None] + 0.5
    stray = (stray * (2 * torch.rand(count, 2, 2, device=device) - 1)).round()
    stray = stray * (centre[:, :1] == centre[:, 1:])
    boxes = torch.cat([side, centre + GRID * stray], dim=2)
    shade = 0.04 * torch.rand(count, device=device) - 0.02
    return Batch(first, second, relation, size, background, boxes, shade)


class Painter:
    """Draws batches at one picture size from an atlas of sprites (uint8, premultiplied RGBA)."""

    def __init__(self, atlas: torch.Tensor, size: int):
        self.atlas, self.size = atlas.permute(0, 3, 1, 2).contiguous(), size
        rgb = [background.rgb for background in BACKGROUNDS]
        self.grounds = torch.tensor(rgb, dtype=torch.float32, device=atlas.device) / 255

    def draw(self, batch: Batch, corner: torch.Tensor | None = None, side: int | None = None) -> torch.Tensor:
        """[n, 3, side, side] in [-1, 1]; `corner` [n, 2] (x, y) and `side`, in pixels, pick a window."""
        side = side or self.size
        corner = torch.zeros_like(batch.boxes[:, 0, 1:]) if corner is None else corner.float()
        picture = self.grounds[batch.background] + batch.shade[:, None]
        picture = picture[:, :, None, None].expand(-1, -1, side, side)
        for item, thing in enumerate((batch.first, batch.second)):
            box = batch.boxes[:, item] * (self.size / 64)
            across = coverage(box[:, 1], box[:, 0], corner[:, 0], side, self.atlas.shape[2])
            down = coverage(box[:, 2], box[:, 0], corner[:, 1], side, self.atlas.shape[2])
            down = down * ((thing >= 0) / 255)[:, None, None]
            layer = down[:, None] @ self.atlas[thing.clamp(min=0)].float() @ across[:, None].transpose(2, 3)
            picture = picture * (1 - layer[:, 3:]) + layer[:, :3]
        return picture.clamp(0, 1) * 2 - 1


def coverage(centre, side, origin, pixels: int, texels: int) -> torch.Tensor:
    """[n, pixels, texels]: the share of each pixel that each sprite texel covers, along one axis."""
    scale = (texels / side)[:, None]  # texels a pixel
    left = origin[:, None] + torch.arange(pixels, device=centre.device)
    left = (left - (centre - side / 2)[:, None]) * scale
    texel = torch.arange(texels, device=centre.device).float()
    right = (left + scale)[:, :, None].minimum(texel + 1)
    return (right - left[:, :, None].maximum(texel)).clamp(min=0) / scale[:, :, None]


class Pool:
    """Many scenes with tokenised captions, so that a step needs no text work: rows are drawn at random."""

    def __init__(self, count: int, things: list[Thing], tokenise, seed: int, device: torch.device,
                 every: bool = False):
        rng = random.Random(seed)
        scenes = [training_scene(rng, len(things), every) for _ in range(count)]
        texts = [caption(s, things, rng, ENGLISH if rng.random() < 0.5 else CHINESE) for s in scenes]
        self.fields = torch.tensor(scenes, dtype=torch.int16, device=device)
        tokens = tokenise(texts)
        self.tokens = tokens[:, :tokenise.mask(tokens).sum(1).max()].contiguous().to(device)

    def take(self, count: int) -> tuple[Batch, torch.Tensor]:
        """Scenes at fresh positions and their token rows, as long as the pool's longest caption."""
        rows = torch.randint(0, len(self.fields), (count,), device=self.fields.device)
        return place(self.fields[rows]), self.tokens[rows].long()
