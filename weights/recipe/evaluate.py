"""Judges a model on 400 held-out prompts, half English and half Chinese, about the same 200 scenes.

    python weights/recipe/evaluate.py weights/emoji                     pictures drawn here, by PyTorch
    python weights/recipe/evaluate.py weights/emoji --prompts p.jsonl   only writes them, for `tessera submit`
    python weights/recipe/evaluate.py weights/emoji --pictures DIR --large DIR    judges those jobs' folders

The classifier never sees a generated picture; where there is none yet, `train.py judge` makes it first, in
minutes. `weights/recipe/measure` does all of it with pictures by Tessera: both calls get its options.
"""

import argparse
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import scenes
from arguments import add_machine, add_objects, add_work, number
from captions import CHINESE, ENGLISH, Scene, caption
from cascade import Cascade, pixels, stages
from judge import Judge, targets
from sheet import sheet
from sprites import FULL, atlas
from state import file, saved
from vocabulary import things

SCENES = 200
FIRST_SEED = 1000


def questions(objects: int) -> tuple[list[Scene], list[str]]:
    """400 scenes and prompts: the 200 scenes in English, then the same in Chinese."""
    rng, vocabulary = random.Random(5), things(objects)
    chosen = scenes.held_out_scenes(rng, objects, SCENES)
    prompts = [caption(scene, vocabulary, rng, language, plain=True)
               for language in (ENGLISH, CHINESE) for scene in chosen]
    return chosen * 2, prompts


def trained_judge(work: Path, objects: int, device: str) -> Judge:
    """The work folder's judge, trained now where there is none or where its training was cut short."""
    path = file(work / "state", "judge")
    if not path.exists() or not saved(path.parent, "judge")["finished"]:
        train = Path(__file__).with_name("train.py")
        ended = subprocess.run([sys.executable, train, "judge", "--work", work, "--objects", str(objects),
                                "--device", device])
        if ended.returncode:
            raise SystemExit(ended.returncode)
    kept = saved(path.parent, "judge")
    if kept["objects"] != objects:
        raise SystemExit(f"{path} knows {kept['objects']} objects: give --objects {kept['objects']}, or "
                         "another --work.")
    judge = Judge(objects).eval()
    judge.load_state_dict(kept["average"]["judge"])
    return judge


def true_renders(asked: list[Scene], objects: int, state: Path, side: int = 64):
    """The scenes, placed as at every call, and their pictures [n, 3, side, side]."""
    torch.manual_seed(7)
    placed = scenes.place(torch.tensor(asked))
    sprites = atlas(things(objects), state / "sprites", min(FULL, side * 13 // 8))
    return placed, scenes.Painter(sprites, side).draw(placed)


def answers(judge: Judge, pictures: torch.Tensor) -> dict[str, torch.Tensor]:
    """Choices by head, and the features, of pictures [n, 3, 64, 64]."""
    with torch.no_grad():
        parts = [judge(part) for part in pictures.split(100)]
    joined = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    return {name: value if name == "features" else value.argmax(1) for name, value in joined.items()}


def marks(given: dict, right: dict) -> dict[str, torch.Tensor]:
    """float [n] by question: 1 right, 0 wrong, NaN where the scene does not ask it. "Relation" wants each
    object in its own place; "both objects" wants both, wherever they are."""
    pair = right["layout"] > 0
    same = {name: given[name] == right[name] for name in right}
    crossed = (given["first"] == right["second"]) & (given["second"] == right["first"])
    return {
        "object": only((same["first"] & same["layout"]), ~pair),
        "background": same["background"].float(),
        "size": only(same["size"], ~pair),
        "relation": only(same["layout"] & same["first"] & same["second"], pair),
        "both objects": only((same["first"] & same["second"]) | crossed, pair),
    }


def only(answer: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    return torch.where(asked, answer.float(), torch.nan)


def frechet(left: torch.Tensor, right: torch.Tensor) -> float:
    """Fréchet distance between Gaussians fitted to two sets of features [n, d] (arXiv 1706.08500)."""
    gap = (left.mean(0) - right.mean(0)).square().sum()
    a, b = torch.cov(left.T.double()), torch.cov(right.T.double())
    cross = torch.linalg.eigvals(a @ b).real.clamp(min=0).sqrt().sum()
    return float(gap + a.trace() + b.trace() - 2 * cross)


def edge_width(pictures: torch.Tensor) -> float:
    """Median width of strong edges in pixels: where a slope is the steepest of the 17×17 pixels around it,
    the contrast of those pixels over that slope."""
    grey = (pictures.mean(1, keepdim=True) + 1) / 2
    pool = torch.nn.functional.max_pool2d
    slope = torch.maximum((grey[..., :-1, 1:] - grey[..., :-1, :-1]).abs(),
                          (grey[..., 1:, :-1] - grey[..., :-1, :-1]).abs())
    grey = grey[..., :-1, :-1]
    contrast = pool(grey, 17, 1, 8) + pool(-grey, 17, 1, 8)
    strong = (contrast > 0.35) & (slope == pool(slope, 17, 1, 8))
    return float((contrast[strong] / slope[strong]).median()) if strong.any() else float("nan")


def confusion(given: torch.Tensor, right: torch.Tensor, objects: int) -> Image.Image:
    """Rows: the object asked for; columns: the one seen. White is always, black never."""
    table = torch.zeros(objects, objects).index_put_((right, given), torch.ones(len(given)), accumulate=True)
    table = table / table.sum(1, keepdim=True).clamp(min=1)
    grey = np.asarray((table * 255).round().byte())
    return Image.fromarray(grey).resize((objects * 6, objects * 6), Image.Resampling.NEAREST)


def read(folder: Path, count: int, size: int) -> torch.Tensor:
    """The `count` PNGs of a job's folder, in order, as [n, 3, size, size]."""
    files = sorted(folder.glob("*.png"))
    if len(files) != count:
        raise SystemExit(f"{folder} holds {len(files)} pictures and not {count}: submit the file that "
                         "--prompts writes with the same options.")
    stack = np.stack([np.asarray(Image.open(file).convert("RGB")) for file in files])
    if stack.shape[1:] != (size, size, 3):
        raise SystemExit(f"{folder} holds {stack.shape[2]}×{stack.shape[1]} pictures: submit the --prompts "
                         f"file of {size}.")
    return torch.from_numpy(stack).permute(0, 3, 1, 2).float() / 127.5 - 1


def draw(cascade: Cascade, prompts: list[str], seeds: list[int], size: int, batch: int,
         guidance: float | None) -> torch.Tensor:
    parts = [slice(start, start + batch) for start in range(0, len(prompts), batch)]
    return torch.cat([cascade(prompts[part], seeds[part], size, guidance).cpu() for part in parts])


def shares(judge: Judge, pictures: torch.Tensor, true: torch.Tensor, right: dict) -> dict:
    """Percentages by question, and the distance, of pictures whose second half was asked for in Chinese."""
    given, known = answers(judge, pictures), answers(judge, true)
    found, ceiling = marks(given, right), marks(known, right)
    half = len(pictures) // 2
    parts = {"all": found, "English": {name: mark[:half] for name, mark in found.items()},
             "Chinese": {name: mark[half:] for name, mark in found.items()}, "true renders": ceiling}
    table = {name: {part: 100 * float(values[name].nanmean()) for part, values in parts.items()}
             for name in found}
    return {"right": table, "distance": frechet(given["features"], known["features"])}


def show(figures: dict) -> None:
    print(f"{figures['model']}: {figures['pictures']} pictures of 64, guidance {figures['guidance']}")
    columns = next(iter(figures["right"].values()))
    print(" " * 14 + "".join(f"{column:>14}" for column in columns))
    for name, row in figures["right"].items():
        print(f"{name:14}" + "".join(f"{share:12.1f} %" for share in row.values()))
    print(f"Fréchet distance of the judge's features: {figures['distance']:.2f}")
    if "edges" in figures:
        print(f"Edges at 1024: {figures['edges']:.2f} pixels wide, "
              f"{figures['true edges']:.2f} in true renders")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    add_work(parser, "training's folder: its state is read, confusion picture and sheets are written")
    add_objects(parser)
    parser.add_argument("--prompts", type=Path, help="write NAME.jsonl and NAME-1024.jsonl and stop")
    parser.add_argument("--pictures", type=Path, help="judge these of 64 instead of drawing")
    parser.add_argument("--large", type=Path, help="measure the edges of these of 1024 instead of drawing")
    parser.add_argument("--guidance", type=float, help="of the 64 stage, instead of the model's own")
    parser.add_argument("--limit", type=number(1, SCENES), default=SCENES,
                        help="only the first scenes, for a quick look")
    parser.add_argument("--edges", type=number(0, SCENES), default=8,
                        help="pictures of 1024 whose edges are measured")
    parser.add_argument("--batch", type=number(1), default=20)
    parser.add_argument("--json", type=Path, help="also write the figures there")
    add_machine(parser)
    chosen = parser.parse_args(arguments)
    if chosen.json and not chosen.json.parent.is_dir():
        parser.error(f"--json: there is no folder {chosen.json.parent}")
    if not (chosen.model / "cascade.json").exists():
        parser.error(f"{chosen.model} is no model folder: it has no cascade.json")
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    chosen.edges = min(chosen.edges, 2 * chosen.limit)
    kept = [index for index in range(2 * SCENES) if index % SCENES < chosen.limit]
    asked, prompts = ([rows[index] for index in kept] for rows in questions(chosen.objects))
    seeds = [FIRST_SEED + index for index in kept]
    if chosen.prompts:
        write(chosen.prompts, prompts, seeds, 64, chosen.guidance)
        large = chosen.prompts.with_stem(chosen.prompts.stem + "-1024")
        write(large, prompts[:chosen.edges], seeds, 1024, chosen.guidance)
        return
    figures = measure(chosen, asked, prompts, seeds)
    show(figures)
    if chosen.json:
        chosen.json.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write(path: Path, prompts: list[str], seeds: list[int], size: int, guidance: float | None) -> None:
    """A file for `tessera submit`."""
    more = {} if guidance is None else {"guidance": guidance}
    lines = [json.dumps({"prompt": prompt, "seed": seed, "size": size} | more, ensure_ascii=False)
             for prompt, seed in zip(prompts, seeds)]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def measure(chosen, asked: list[Scene], prompts: list[str], seeds: list[int]) -> dict:
    """The figures; confusion picture and sheets go to the work folder's evaluation."""
    state, out = chosen.work / "state", chosen.work / "evaluation"
    judge = trained_judge(chosen.work, chosen.objects, chosen.device)
    placed, true = true_renders(asked, chosen.objects, state)
    right = targets(placed)
    given = chosen.pictures and (chosen.large or not chosen.edges)
    cascade = None if given else Cascade(chosen.model, chosen.device)
    if chosen.pictures:
        pictures = read(chosen.pictures, len(prompts), 64)
    else:
        pictures = draw(cascade, prompts, seeds, 64, chosen.batch, chosen.guidance)
    shipped = stages(chosen.model)["base64"]["guidance"]
    guidance = shipped if chosen.guidance is None else chosen.guidance
    figures = {"model": str(chosen.model), "pictures": len(pictures), "guidance": guidance,
               **shares(judge, pictures, true, right)}
    out.mkdir(parents=True, exist_ok=True)
    alone = right["layout"] == 0
    confusion(answers(judge, pictures)["first"][alone], right["first"][alone], chosen.objects).save(
        out / "confusion.png")
    sheet(pixels(pictures), 20).save(out / "sheet-64.png")
    if chosen.edges:
        if chosen.large:
            large = read(chosen.large, chosen.edges, 1024)
        else:
            large = draw(cascade, prompts[:chosen.edges], seeds, 1024, 1, chosen.guidance)
        sheet(pixels(large), 4).save(out / "sheet-1024.png")
        _, few = true_renders(asked[:chosen.edges], chosen.objects, state, 1024)
        figures |= {"edges": edge_width(large), "true edges": edge_width(few)}
    return figures


if __name__ == "__main__":
    main()
