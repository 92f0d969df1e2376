"""Compares Tessera's networks with diffusers' on the same weights and noise: the first step of each stage.

Usage: python ops/bench/parity.py MODEL [STAGE...] [--picture [STEPS]] [--limit 2e-4] [--tessera .build/release/tessera]
       python ops/bench/parity.py MODEL --write FILE
Prints the relative root mean square difference of each prediction (guidance applied), and with --picture the
differences of a picture up to 256 pixels after STEPS steps of each stage (the model's own number where left out).
Fails where a difference exceeds its limit.
With --write, keeps diffusers' predictions as a safetensors file: Tests/Golden/karlo-tiny.safetensors is the file of
`tessera models synthesize karlo --scale tiny --precision f32`.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from diffusers_render import Cascade, render
from PIL import Image
from safetensors.torch import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a strawberry on a blue background"
PICTURE_LIMIT = 1e-2


def made_up(*shape):
    """What `tessera bench stages` gives a stage in place of the former stage's result."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1))


def first_prediction(cascade, stage):
    """The network's prediction in the stage's first step, noise drawn after the earlier stages'."""
    generator = torch.Generator().manual_seed(1)
    embedding = cascade.embedding_width()
    for name, settings in cascade.stages.items():
        shape = [1, 3, settings["size"], settings["size"]] if "size" in settings else [1, embedding]
        start = torch.randn(*shape, generator=generator)
        if name == stage:
            break
        for _ in range(settings["steps"] - 1):
            torch.randn(*shape, generator=generator)
    scheduler = cascade.schedulers[stage]
    scheduler.set_timesteps(settings["steps"])
    if stage == cascade.prior_stage:
        predict = cascade.prior(*cascade.encode(PROMPT))
    elif stage == cascade.base_stage:
        predict = cascade.decoder(made_up(1, embedding), *cascade.encode(PROMPT))
    else:
        side = settings["size"] // 4
        predict = cascade.upsampler(stage, (made_up(1, 3, side, side) * 0.5).clamp(-1, 1))
    prediction = predict(start, scheduler.timesteps[0])
    return prediction[:, :3] if stage == cascade.base_stage else prediction


def ours(arguments, stage, folder):
    path = f"{folder}/{stage}.safetensors"
    command = [arguments.tessera, "bench", "stages", "--model", arguments.model, "--stage", stage, "--steps", "1"]
    subprocess.run(command + ["--predictions", path], check=True, stdout=subprocess.DEVNULL)
    (prediction,) = load_file(path).values()
    return prediction


def picture_differences(arguments, cascade, folder):
    """Differences of full scale of all values."""
    stages = {name: arguments.picture or stage["steps"] for name, stage in cascade.stages.items()
              if stage.get("size", 0) <= 256}
    size = cascade.stages[list(stages)[-1]]["size"]
    steps = [word for name, count in stages.items() for word in ("--steps", f"{name}={count}")]
    command = [arguments.tessera, "render", PROMPT, "--out", f"{folder}/ours.png", "--model", arguments.model]
    subprocess.run(command + ["--size", str(size), "--seed", "1"] + steps, check=True, stderr=subprocess.DEVNULL)
    image, _ = render(cascade, PROMPT, 1, size, stages)
    theirs = ((image[0] * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0) * 255).numpy()
    return np.abs(np.asarray(Image.open(f"{folder}/ours.png")) - theirs) / 255


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("stage", nargs="*")
    parser.add_argument("--picture", nargs="?", type=int, const=0, metavar="STEPS")
    parser.add_argument("--write")
    parser.add_argument("--limit", type=float, default=2e-4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(arguments.threads)

    cascade, failed = Cascade(arguments.model, torch.contiguous_format), False
    if arguments.write:
        predictions = {stage: first_prediction(cascade, stage).contiguous() for stage in cascade.stages}
        return save_file(predictions, arguments.write)
    with tempfile.TemporaryDirectory() as folder:
        for stage in arguments.stage or cascade.stages:
            own = ours(arguments, stage, folder).flatten().double()
            reference = first_prediction(cascade, stage).flatten().double()
            difference = float((own - reference).norm() / reference.norm())
            print(f"{stage}: relative RMS {difference:.2e}, RMS {float(reference.square().mean().sqrt()):.3f}")
            failed |= not difference <= arguments.limit
            cascade.networks.clear()
        if arguments.picture is not None:
            differences = picture_differences(arguments, cascade, folder)
            most, mean, far = differences.max(), differences.mean(), (differences > PICTURE_LIMIT).sum()
            print(f"picture: greatest difference {most:.2e} of full scale, mean {mean:.2e}; {far} of"
                  f" {differences.size} values differ by more than {PICTURE_LIMIT}")
            failed |= not most <= PICTURE_LIMIT
    sys.exit(failed)


if __name__ == "__main__":
    main()
