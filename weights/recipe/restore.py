"""Makes training's state again from a model folder, for stages whose own is gone: the way back of `export.py`.

    python weights/recipe/restore.py weights/emoji .train/state up256 up1024

A stage goes on from there as from an earlier phase: with a fresh optimiser, and with fresh heads where training
has some that a model folder does not hold.
"""

import argparse
import shutil
from pathlib import Path

import export
from arguments import add_objects
from state import write
from words import Words

STAGES = ("clip", "prior", "decoder", "up256", "up1024")


def restore(folder: Path, state: Path, stages: list[str], objects: int) -> None:
    """Writes a file for each stage: over none that is there, and none at all where a network is missing."""
    taken = [str(path) for path in (state / f"{stage}.pt" for stage in stages) if path.exists()]
    if taken:
        raise SystemExit(f"{', '.join(taken)}: already there; remove what is to be replaced.")
    kept: dict[str, dict] = {stage: {} for stage in stages}
    for name, (network, stage, key) in export.components(Words(folder / "tokenizer")).items():
        if stage in kept:
            kept[stage][key] = type(network).from_pretrained(folder / name).float().state_dict()
    if not (state / "tokenizer").exists():
        shutil.copytree(folder / "tokenizer", state / "tokenizer")
    for stage, average in kept.items():
        write(state, stage, {"phase": "restored", "objects": objects, "finished": True, "done": {},
                             "average": average})
        print(f"{stage}: as in {folder}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a model folder that export.py wrote")
    parser.add_argument("state", type=Path, help="training's state, such as .train/state")
    parser.add_argument("stages", nargs="+", choices=STAGES, metavar="stage", help=", ".join(STAGES))
    add_objects(parser)
    chosen = parser.parse_args()
    restore(chosen.folder, chosen.state, chosen.stages, chosen.objects)


if __name__ == "__main__":
    main()
