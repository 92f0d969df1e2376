"""What the recipe's command lines have in common."""

import argparse
import math
from pathlib import Path

import torch

from vocabulary import SHIPPED, things


def number(least, most=math.inf, kind=int):
    """An argparse type: a number of this kind from `least` to `most`."""
    def parse(text: str):
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not from {least} to {most}")
        return value
    parse.__name__ = kind.__name__
    return parse


def device(text: str) -> str:
    """An argparse type: a device that PyTorch has here."""
    try:
        torch.empty(0, device=text)
    except (RuntimeError, AssertionError) as error:
        raise argparse.ArgumentTypeError(f"{text}: {str(error).splitlines()[0]}") from None
    return text


def add_objects(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--objects", type=number(2, len(things())), default=SHIPPED,
                        help=f"the first objects of the vocabulary, by default {SHIPPED}")


def add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--threads", type=number(0), default=0, help="CPU threads, 0: as torch finds them")
    parser.add_argument("--device", type=device, default="cuda" if torch.cuda.is_available() else "cpu")


def add_work(parser: argparse.ArgumentParser, explanation: str, default: str | None = ".train") -> None:
    parser.add_argument("--work", type=Path, default=default, help=explanation)
