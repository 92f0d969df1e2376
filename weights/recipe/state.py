"""What training keeps of a stage: one file, written by `train.py` or made again by `restore.py`."""

from pathlib import Path

import torch


def saved(state: Path, stage: str) -> dict:
    """All that a stage's file holds, in the CPU's memory."""
    path = state / f"{stage}.pt"
    if not path.exists():
        raise SystemExit(f"{path} is missing: train the stage '{stage}' first.")
    return torch.load(path, map_location="cpu")


def averaged(state: Path, stage: str, name: str) -> dict:
    """The averaged weights of one of a stage's networks."""
    return saved(state, stage)["average"][name]


def write(state: Path, stage: str, kept: dict) -> None:
    """Writes beside the old file, then takes its place: a kill at any moment leaves a whole file."""
    part = state / f"{stage}.part"
    torch.save(kept, part)
    part.replace(state / f"{stage}.pt")
