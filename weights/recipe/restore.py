"""Makes training's state again from a model folder, for stages whose own is gone: the way back of export.py.

    python weights/recipe/restore.py weights/emoji .train/state up256 up1024

A stage goes on from there as into a new phase: from the averaged weights, with a fresh optimiser. Its pictures
are counted on from those that the folder tells of. What training has beside the exported networks, such as
heads, begins anew.
"""

import argparse
import json
import shutil
from pathlib import Path

from safetensors.torch import load_file

import export
from arguments import add_objects
from state import RESTORED, file, write
from words import Words

STAGES = ("clip", "prior", "decoder", "up256", "up1024")


def restore(folder: Path, state: Path, stages: list[str], objects: int) -> None:
    """Writes a file for each stage: over none that is there, and none at all where anything is wrong."""
    there = [str(path) for path in (file(state, stage) for stage in stages) if path.exists()]
    if there:
        raise SystemExit(f"{', '.join(there)}: already there; remove what is to be replaced.")
    if "clip" not in stages and {"prior", "decoder"} & set(stages):
        raise SystemExit("prior and decoder fit the towers that they learned from: restore clip as well.")
    given, mine = folder / "tokenizer", state / "tokenizer"
    if not (given / "vocab.json").exists():
        raise SystemExit(f"{given} holds no tokenizer: {folder} is no whole model folder.")
    if mine.exists() and any((mine / name).read_bytes() != (given / name).read_bytes()
                             for name in ("vocab.json", "merges.txt")):
        raise SystemExit(f"{mine} is not the tokenizer of {folder}: restore to another folder.")
    done = pictures(folder / export.SEEN)
    kept: dict[str, dict] = {stage: {} for stage in stages}
    for name, (network, stage, key) in export.components(Words(given)).items():
        if stage in kept:
            load(network, folder / name)
            kept[stage][key] = network.state_dict()
    if not mine.exists():
        shutil.copytree(given, mine)
    for stage, average in kept.items():
        write(file(state, stage), {"phase": RESTORED, "objects": objects, "finished": True,
                                   "done": done.get(stage, {}), "average": average})
        print(f"{stage}: as in {folder}")


def pictures(told: Path) -> dict:
    """The pictures that each stage has seen, by phase; of none where the folder does not tell."""
    try:
        return json.loads(told.read_text())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise SystemExit(f"{told} is no JSON ({error}): export the folder again, or remove the file to "
                         "count from none.") from None


def load(network, component: Path) -> None:
    """A component's weights into the recipe's own network."""
    files = list(component.glob("*.safetensors"))
    if len(files) != 1:
        raise SystemExit(f"{component} does not hold one safetensors file: {component.parent} is no whole "
                         "model folder.")
    try:
        network.load_state_dict(load_file(files[0]))
    except RuntimeError as error:
        raise SystemExit(f"{files[0]} is not of the recipe's network: {error}") from None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a model folder that export.py wrote")
    parser.add_argument("state", type=Path, help="training's state, such as .train/state")
    parser.add_argument("stages", nargs="+", choices=STAGES, metavar="stage", help=", ".join(STAGES))
    add_objects(parser)
    chosen = parser.parse_args()
    if not (chosen.folder / "cascade.json").exists():
        parser.error(f"{chosen.folder} is no model folder: it has no cascade.json")
    restore(chosen.folder, chosen.state, chosen.stages, chosen.objects)


if __name__ == "__main__":
    main()
