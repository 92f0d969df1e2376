"""The artwork as a tensor: vector emoji of Debian's `ruby-gemojione`, rasterised once by `rsvg-convert`."""

import os
import subprocess
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from vocabulary import Thing

PACKAGED = Path("/usr/share/rubygems-integration/all/gems/gemojione-3.3.0/assets/svg")
FULL = 832  # the side of a stored sprite; 416, 208 and 104 are made from it


def artwork() -> Path:
    """Where the SVG files lie."""
    return Path(os.environ.get("GEMOJIONE_SVG", PACKAGED))


def rasterise(things: list[Thing], folder: Path) -> None:
    """Writes FULL×FULL PNGs of the things whose PNG is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for thing in things:
        target = folder / f"{thing.code}.png"
        if target.exists():
            continue
        source = artwork() / f"{thing.code}.svg"
        if not source.exists():
            raise SystemExit(f"{source} is missing: install Debian's ruby-gemojione and librsvg2-bin, "
                             "or set GEMOJIONE_SVG to its folder of SVG files.")
        part = target.with_suffix(".part")
        command = ["rsvg-convert", "-w", str(FULL), "-h", str(FULL), "-o", part, source]
        try:
            subprocess.run(command, check=True)
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"{source}: {error} (rsvg-convert is in Debian's librsvg2-bin)") from None
        part.rename(target)


def atlas(things: list[Thing], folder: Path, side: int) -> torch.Tensor:
    """uint8 [things, side, side, 4], colours premultiplied by alpha; `side` divides FULL."""
    rasterise(things, folder)
    result = torch.empty(len(things), side, side, 4, dtype=torch.uint8)
    for index, thing in enumerate(things):
        picture = np.asarray(Image.open(folder / f"{thing.code}.png").convert("RGBA"), dtype=np.float32)
        picture[..., :3] *= picture[..., 3:] / 255
        factor = FULL // side
        blocks = picture.reshape(side, factor, side, factor, 4).mean(axis=(1, 3))
        result[index] = torch.from_numpy(blocks.round().astype(np.uint8))
    return result
