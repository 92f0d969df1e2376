"""Trains one stage, or all of them, for a number of pictures; picks up where an interrupted run stopped.

    python weights/recipe/train.py all                          every stage, the exported folder, its measure
    python weights/recipe/train.py all --scale 20               twenty times the pictures, for a GPU
    python weights/recipe/train.py decoder --pictures 200000    one stage
    python weights/recipe/train.py all --smoke                  everything, tiny, to see that it works
"""

import argparse
import math
import signal
import time
from copy import deepcopy
from pathlib import Path

import torch

import evaluate
import export
from arguments import add_machine, add_objects, add_work, number
from stages import STAGES
from state import RESTORED, file, saved, write

# What an `all` run does in turn, and the pictures that each line sees by default. Sized for two CPU cores.
PHASES = {
    "clip": 120_000, "judge": 60_000, "prior": 165_000, "decoder --side 32": 24_000, "decoder": 184_000,
    "up256": 16_000, "up1024": 30_000,
}
WARM_UP = 50         # steps in which the learning rate rises
FALL = 0.2           # share of the pictures, at the end, over which it falls
SAVE_EVERY = 60.0
AVERAGE = 0.999


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("stage", choices=[*STAGES, "all"])
    parser.add_argument("--pictures", type=number(1), help="of this stage over all runs together")
    parser.add_argument("--scale", type=number(1e-6, kind=float), default=1.0,
                        help="factor on the default numbers of pictures")
    add_work(parser, "holds state, emoji (the model) and evaluation; .train, or .train/smoke", None)
    add_objects(parser)
    parser.add_argument("--batch", type=number(1), help="pictures a step")
    parser.add_argument("--rate", type=number(1e-9, kind=float), help="peak learning rate")
    parser.add_argument("--side", type=int, choices=(32, 64), default=64, help="picture side of the decoder")
    parser.add_argument("--window", type=int, choices=range(32, 257, 32),
                        help="side of the upsamplers' windows")
    parser.add_argument("--pool", type=number(1), default=100_000, help="captions held ready")
    parser.add_argument("--statistics", type=number(1), default=16,
                        help="batches that measure the embeddings")
    parser.add_argument("--seed", type=int, default=1)
    add_machine(parser)
    parser.add_argument("--smoke", action="store_true", help="tiny sizes: shows that all parts fit together")
    chosen = parser.parse_args(arguments)
    if chosen.side < 64 and chosen.stage != "decoder":
        parser.error("--side is of the stage 'decoder' alone")
    if chosen.stage == "all" and chosen.pictures and not chosen.smoke:
        parser.error("--pictures is of one stage; for all of them use --scale")
    chosen.work = chosen.work or Path(".train/smoke" if chosen.smoke else ".train")
    chosen.state = chosen.work / "state"
    if chosen.smoke:
        chosen.objects, chosen.pool, chosen.statistics = 4, 200, 1
        chosen.batch, chosen.window, chosen.pictures = 4, 32, 12
    return chosen


class Run:
    """One stage's training: optimiser, averaged weights, progress and the file that holds all three.

    Nothing depends on the clock, and each step draws from a seed of its own: stopped and taken up again or
    not, the same line ends in the same weights."""

    def __init__(self, name: str, chosen: argparse.Namespace):
        self.path, self.seed = file(chosen.state, name), chosen.seed
        line = name if chosen.side == 64 else f"{name} --side {chosen.side}"
        self.name, self.budget = line, chosen.pictures or math.ceil(PHASES[line] * chosen.scale)
        torch.manual_seed(self.seed)
        stage = STAGES[name]
        self.stage = stage(chosen.state, chosen)
        if chosen.window and hasattr(stage, "window"):
            self.stage.window = chosen.window
        self.batch = chosen.batch or (stage.wide if self.stage.device.type == "cuda" else stage.batch)
        self.rate = chosen.rate or stage.rate
        self.stage.prepare(fresh=not self.path.exists())
        self.averages = deepcopy(self.stage.networks).eval().requires_grad_(False)
        self.parameters = [p for p in self.stage.networks.parameters() if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=self.rate, betas=(0.9, 0.99),
                                           weight_decay=0.01, fused=True)
        self.done, self.step = {}, 0  # pictures by phase; steps of this phase
        self.stopping = False
        self.resume()

    @property
    def seen(self) -> int:
        """Pictures of this phase so far."""
        return self.done.get(self.name, 0)

    def resume(self) -> None:
        """Takes up a stopped phase with its optimiser; a new phase takes the averaged weights alone. What a
        restored state lacks begins anew."""
        if not self.path.exists():
            return
        kept = saved(self.path.parent, self.path.stem, self.stage.device)
        if kept["objects"] != len(self.stage.things):
            raise SystemExit(f"{self.path} learned {kept['objects']} objects: give --objects "
                             f"{kept['objects']}, or another --work to begin anew")
        self.done = kept["done"]
        same = kept["phase"] == self.name
        for key, network in self.stage.networks.items():
            if key not in kept["average"] and kept["phase"] == RESTORED:
                continue
            network.load_state_dict(kept["networks" if same else "average"][key])
            self.averages[key].load_state_dict(kept["average"][key])
        if same:
            self.optimiser.load_state_dict(kept["optimiser"])
            self.step = kept["step"]

    def save(self) -> None:
        write(self.path, {
            "phase": self.name, "objects": len(self.stage.things), "finished": self.seen >= self.budget,
            "done": self.done, "step": self.step,
            "networks": {key: network.state_dict() for key, network in self.stage.networks.items()},
            "average": {key: network.state_dict() for key, network in self.averages.items()},
            "optimiser": self.optimiser.state_dict()})

    def stop(self, *_) -> None:
        self.stopping = True

    def once(self) -> torch.Tensor:
        """One step. The rate rises, stays, and falls to a twentieth over the last pictures. A finished run that
        is given more `--pictures` goes back to the rate of its place in the whole."""
        left = (1 - self.seen / self.budget) / FALL
        rate = self.rate * min(1, (self.step + 1) / WARM_UP, max(left, 0.05))
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        torch.manual_seed(self.seed * 1_000_003 + sum(self.done.values()))
        loss = self.stage.loss(self.batch)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.step += 1
        self.done[self.name] = self.seen + self.batch
        keep = min(AVERAGE, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.averages.parameters()), list(self.stage.networks.parameters()),
                                 1 - keep)
        return loss.detach()

    def __call__(self) -> None:
        """Trains until the pictures are seen. SIGTERM and SIGINT end it after a step, saved."""
        if self.seen >= self.budget:
            print(f"{self.name}: its {self.budget} pictures are seen")
            return
        before = {name: signal.signal(name, self.stop) for name in (signal.SIGTERM, signal.SIGINT)}
        try:
            self.train()
        finally:
            for name, handler in before.items():
                signal.signal(name, handler)
        if self.stopping:
            raise SystemExit(f"{self.name}: stopped and saved; the same line goes on from here")

    def train(self) -> None:
        began = last_save = last_line = time.monotonic()
        before, losses = self.seen, []
        while self.seen < self.budget and not self.stopping:
            losses.append(self.once())
            now = time.monotonic()
            if now - last_line > 10:
                self.tell(losses, (self.seen - before) / (now - began))
                last_line, losses = now, []
                if now - last_save > SAVE_EVERY:
                    self.save()
                    last_save = now
        if losses:
            self.tell(losses, (self.seen - before) / (time.monotonic() - began))
        self.save()

    def tell(self, losses: list[torch.Tensor], speed: float) -> None:
        """Prints the progress. A loss that is not a number ends the run before it could be saved."""
        loss = float(torch.stack(losses).mean())
        if not math.isfinite(loss):
            raise SystemExit(f"{self.name}: the loss is {loss}; {self.path} holds the state before it")
        minutes = max(0, self.budget - self.seen) / speed / 60
        print(f"{self.name}: {self.seen} of {self.budget} seen, loss {loss:.4f}, {speed:.1f}/s, "
              f"{minutes:.1f} min left", flush=True)


def every_stage(chosen: argparse.Namespace) -> None:
    """The stages one after another, the export, the measure."""
    for line in PHASES:
        stage, *side = line.split(" --side ")
        Run(stage, argparse.Namespace(**vars(chosen) | {"side": int(*side or [64])}))()
    export.export(chosen.state, chosen.work / "emoji")
    measure = [str(chosen.work / "emoji"), "--work", str(chosen.work), "--device", chosen.device,
               "--objects", str(chosen.objects)]
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
        every_stage(chosen)
    else:
        Run(chosen.stage, chosen)()


if __name__ == "__main__":
    main()
