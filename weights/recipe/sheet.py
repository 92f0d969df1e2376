"""Many pictures as one.

    python weights/recipe/sheet.py renders ops/demo-sheet.png
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from arguments import number


def sheet(pictures: np.ndarray, columns: int) -> Image.Image:
    """uint8 [n, height, width, 3] in rows, the last one filled up with black."""
    columns = min(columns, len(pictures))
    missing = -len(pictures) % columns
    pictures = np.concatenate([pictures, np.zeros_like(pictures[:1]).repeat(missing, axis=0)])
    rows = pictures.reshape(-1, columns, *pictures.shape[1:])
    return Image.fromarray(np.concatenate(np.concatenate(rows, axis=1), axis=1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="its PNG files, in the order of their names")
    parser.add_argument("out", type=Path, help="a PNG of 256 colours")
    parser.add_argument("--columns", type=number(1), default=6)
    parser.add_argument("--side", type=number(1), default=197, help="of each picture, in pixels")
    chosen = parser.parse_args()
    files = sorted(chosen.folder.glob("*.png"))
    if not files:
        raise SystemExit(f"{chosen.folder} holds no PNG files.")
    size = (chosen.side, chosen.side)
    pictures = [Image.open(file).convert("RGB").resize(size, Image.Resampling.LANCZOS) for file in files]
    joined = sheet(np.stack([np.asarray(picture) for picture in pictures]), chosen.columns)
    joined.quantize(256, dither=Image.Dither.NONE).save(chosen.out, optimize=True)


if __name__ == "__main__":
    main()
