"""Trains one stage, or all of them, within a budget of minutes; picks up where an interrupted run stopped.

    python weights/recipe/train.py all --minutes 120        every stage, the exported folder, its measure
    python weights/recipe/train.py decoder --minutes 60     one stage
    python weights/recipe/train.py all --smoke              everything, tiny, to see that it works
"""

import argparse
import math
import sys
import time
from copy import deepcopy
from pathlib import Path

import torch

import evaluate
import export
from stages import STAGES

# Shares of an `all` run's minutes on a CPU, where stages follow one another. The decoder is trained twice.
SHARES = (("clip", 0.10), ("prior", 0.06), ("decoder --side 32", 0.34), ("decoder", 0.34),
          ("up256", 0.07), ("up1024", 0.05), ("judge", 0.04))
WARM_UP = 200
SAVE_EVERY = 60.0
AVERAGE = 0.999


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=[*STAGES, "all"])
    parser.add_argument("--minutes", type=float, default=10.0, help="training time over all runs together")
    parser.add_argument("--state", type=Path, default=Path(".train/state"), help="checkpoints and sprites")
    parser.add_argument("--export", type=Path, default=Path(".train/emoji"), help="what `all` writes")
    parser.add_argument("--objects", type=int, help="only the first objects of the vocabulary")
    parser.add_argument("--batch", type=int, help="pictures a step")
    parser.add_argument("--rate", type=float, help="peak learning rate")
    parser.add_argument("--side", type=int, choices=(32, 64), default=64, help="picture side of the decoder")
    parser.add_argument("--window", type=int, help="side of the upsamplers' windows")
    parser.add_argument("--pool", type=int, default=100_000, help="captions held ready")
    parser.add_argument("--statistics", type=int, default=16, help="batches that measure the embeddings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0: as torch finds them")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that all parts fit together")
    chosen = parser.parse_args(arguments)
    if chosen.smoke:
        chosen.objects, chosen.pool, chosen.statistics = 4, 200, 1
        chosen.batch, chosen.window, chosen.minutes = 4, 64, 0.1
    return chosen


class Run:
    """One stage's training: optimiser, averaged weights, progress and the file that holds all three."""

    def __init__(self, name: str, chosen: argparse.Namespace):
        self.path = chosen.state / f"{name}.pt"
        self.name = name if chosen.side == 64 else f"{name} at {chosen.side}"
        self.budget = chosen.minutes * 60
        stage = STAGES[name]
        self.stage = stage(chosen.state, chosen)
        if chosen.window and hasattr(stage, "window"):
            self.stage.window = chosen.window
        self.batch, self.rate = chosen.batch or stage.batch, chosen.rate or stage.rate
        self.stage.prepare()
        self.averages = deepcopy(self.stage.networks).eval().requires_grad_(False)
        self.parameters = [p for p in self.stage.networks.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=self.rate, betas=(0.9, 0.99),
                                           weight_decay=0.01, fused=chosen.device == "cuda")
        self.done, self.step, self.seen = {}, 0, 0  # seconds by phase; steps of this phase; pictures of all
        self.resume()
        torch.manual_seed(chosen.seed * 1_000_003 + self.seen)

    @property
    def elapsed(self) -> float:
        return self.done.get(self.name, 0.0)

    def resume(self) -> None:
        """Takes up a stopped phase with its optimiser; a new phase takes the averaged weights alone."""
        if not self.path.exists():
            return
        saved = torch.load(self.path, map_location=self.stage.device)
        self.done, self.seen = saved["done"], saved["seen"]
        same = saved["phase"] == self.name
        for key, network in self.stage.networks.items():
            network.load_state_dict(saved["networks" if same else "average"][key])
            self.averages[key].load_state_dict(saved["average"][key])
        if same:
            self.optimiser.load_state_dict(saved["optimiser"])
            self.step = saved["step"]

    def save(self) -> None:
        part = self.path.with_suffix(".part")
        torch.save({
            "phase": self.name, "done": self.done, "step": self.step, "seen": self.seen,
            "networks": {key: network.state_dict() for key, network in self.stage.networks.items()},
            "average": {key: network.state_dict() for key, network in self.averages.items()},
            "optimiser": self.optimiser.state_dict()}, part)
        part.rename(self.path)

    def once(self) -> torch.Tensor:
        """One step; the rate warms up, then falls along a cosine to a twentieth as the budget is used."""
        used = min(self.elapsed / self.budget, 1)
        rate = self.rate * min(1, (self.step + 1) / WARM_UP) * (0.05 + 0.475 * (1 + math.cos(math.pi * used)))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        loss = self.stage.loss(self.batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step, self.seen = self.step + 1, self.seen + self.batch
        keep = min(AVERAGE, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for averaged, current in zip(self.averages.parameters(), self.stage.networks.parameters()):
                averaged.lerp_(current, 1 - keep)
        return loss.detach()

    def __call__(self) -> None:
        if self.elapsed >= self.budget:
            print(f"{self.name}: its {self.budget / 60:.1f} minutes are used")
            return
        began = last_save = last_line = time.monotonic()
        before, seen_before, losses = self.elapsed, self.seen, []
        while self.elapsed < self.budget:
            losses.append(self.once())
            now = time.monotonic()
            self.done[self.name] = before + now - began
            if now - last_line > 10 or self.elapsed >= self.budget:
                speed = (self.seen - seen_before) / (now - began)
                print(f"{self.name}: {self.seen} seen, loss {torch.stack(losses).mean():.4f}, {speed:.1f}/s, "
                      f"{max(0, self.budget - self.elapsed) / 60:.1f} min left", flush=True)
                last_line, losses = now, []
            if now - last_save > SAVE_EVERY:
                self.save()
                last_save = now
        self.save()


def every_stage(chosen: argparse.Namespace, arguments: list[str]) -> None:
    """The stages one after another, the export, the measure."""
    for line, share in SHARES:
        minutes = chosen.minutes if chosen.smoke else chosen.minutes * share
        part = options([*line.split(), *arguments])
        part.minutes = minutes
        Run(line.split()[0], part)()
    export.main(chosen.state, chosen.export)
    measure = [str(chosen.export), "--state", str(chosen.state), "--device", chosen.device,
               "--out", str(chosen.state.parent / "evaluation")]
    if chosen.objects:
        measure += ["--objects", str(chosen.objects)]
    if chosen.smoke:
        measure += ["--limit", "2", "--edges", "1"]
    evaluate.main(measure)


def main() -> None:
    chosen = options()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    chosen.state.mkdir(parents=True, exist_ok=True)
    if chosen.stage == "all":
        every_stage(chosen, [word for word in sys.argv[1:] if word != "all"])
    else:
        Run(chosen.stage, chosen)()


if __name__ == "__main__":
    main()
