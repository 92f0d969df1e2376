"""What training keeps of a stage: one file, written by `train.py` or made again by `restore.py`."""

from pathlib import Path

import torch

RESTORED = "restored"  # the phase of a state that comes from a model folder


def file(state: Path, stage: str) -> Path:
    return state / f"{stage}.pt"


def saved(state: Path, stage: str, device: torch.device | str = "cpu") -> dict:
    """All that a stage's file holds, in the device's memory."""
    path = file(state, stage)
    if not path.exists():
        raise SystemExit(f"{path} is missing: train the stage '{stage}' first.")
    return torch.load(path, map_location=device)


def averaged(state: Path, stage: str, name: str) -> dict:
    """The averaged weights of one of a stage's networks."""
    average = saved(state, stage)["average"]
    if name not in average:
        raise SystemExit(f"{file(state, stage)} has no {name}: it was restored from a model folder, which "
                         f"holds none. Train the stage '{stage}' on.")
    return average[name]


def write(path: Path, kept: dict) -> None:
    """Writes beside the old file, then takes its place: a kill at any moment leaves a whole file."""
    part = path.with_suffix(".part")
    torch.save(kept, part)
    part.replace(path)
