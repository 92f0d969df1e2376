"""Times Tessera beside PyTorch and OpenVINO: the same model folder, size and threads on the same machine, whole
processes run alternately, medians printed as a table of ratios.

Usage: python ops/bench/peers.py picture [--model weights/emoji] [--size 1024] [--runs 3] [--json]
       python ops/bench/peers.py step MODEL STAGE... [--peers tessera-fast,torch-f32,torch-bf16] [--runs 3] [--json]
       python ops/bench/peers.py kernels [--peers tessera-fast,torch-f32,torch-channels-last] [--runs 3] [--json]
The Python that runs this must have torch, diffusers and transformers, and openvino where that peer is asked for.
`tessera models synthesize karlo --out DIR` makes a model of full size. Operators take milliseconds, and a round of
`kernels` half a minute: where the machine's own speed changes from minute to minute, it needs many runs.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a strawberry on a blue background"


def result(command):
    """The last JSON value that a command prints."""
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    text = done.stdout.strip()
    return json.loads(text if text.endswith(("\n}", "\n]")) or "\n" not in text else text.splitlines()[-1])


# Each runner returns figures by name: seconds, or memory in MB.

def tessera_picture(arguments, out):
    command = [arguments.tessera, "render", PROMPT, "--out", out, "--json", "--model", arguments.model]
    report = result(command + ["--size", arguments.size, "--seed", 1, "--threads", arguments.threads])
    seconds = {stage["name"]: stage["seconds"] for stage in report["stages"]}
    load = sum(stage["loadSeconds"] for stage in report["stages"])
    return {"load": load, **seconds, "all stages": sum(seconds.values()), "MB": report["peakMemoryBytes"] / 2**20}


def diffusers_picture(arguments, out):
    command = [sys.executable, ROOT / "ops/bench/diffusers_render.py", arguments.model, PROMPT, "--out", out]
    report = result(command + ["--size", arguments.size, "--seed", 1, "--threads", arguments.threads])
    seconds = report["stages"]
    return {"load": report["load"], **seconds, "all stages": sum(seconds.values()), "MB": report["peak_memory_mb"]}


def tessera_step(arguments, stage, precision="exact"):
    command = [arguments.tessera, "bench", "stages", "--model", arguments.model, "--stage", stage, "--json"]
    report = result(command + ["--steps", 2, "--threads", arguments.threads, "--precision", precision])
    row = report["stages"][0]
    load = report["openSeconds"] + row["loadSeconds"]
    return {"load": load, "step": row["secondsPerStep"], "MB": row["peakMemoryBytes"] / 2**20}


def peer_step(arguments, stage, engine):
    command = [sys.executable, ROOT / "ops/bench/diffusers_step.py", arguments.model, stage, "--engine", engine]
    report = result(command + ["--threads", arguments.threads, "--steps", arguments.steps])
    return {"load": report["load"], "step": min(report["seconds"]), "MB": report["peak_memory_mb"]}


def tessera_kernels(arguments, fast=False):
    """Milliseconds of each operator, in fast mode of those that it has; of a convolution's routes, the fastest."""
    command = [arguments.tessera, "bench", "kernels", "--threads", arguments.threads, "--json"]
    figures = {}
    for row in result(command):
        name = re.sub(r" (winograd\d|direct|fast)\b", "", row["name"])
        if row["milliseconds"] > 0 and (fast or " fast" not in row["name"]):
            figures[name] = min(row["milliseconds"], figures.get(name, math.inf))
    return figures


def torch_kernels(arguments, engine, rows):
    command = [sys.executable, ROOT / "ops/bench/torch_kernels.py", *rows, "--engine", engine]
    return result(command + ["--threads", arguments.threads])


def difference(first, second):
    """Mean and greatest difference of two pictures in 8-bit steps."""
    import numpy as np
    from PIL import Image

    a, b = (np.asarray(Image.open(path).convert("RGB")).astype(int) for path in (first, second))
    return abs(a - b).mean(), abs(a - b).max()


def alternate(runs, runners):
    """Medians of each runner's figures over `runs` rounds in which each runs once."""
    rounds = [{name: run() for name, run in runners.items()} for _ in range(runs)]
    medians = {}
    for name in runners:
        figures = rounds[0][name]
        medians[name] = {key: statistics.median(r[name][key] for r in rounds) for key in figures}
    return medians


def show(title, medians, time_unit=" s"):
    """A table: our figure, then each peer's with its ratio to ours."""
    ours, *peers = medians
    width = max(12, max(len(key) for key in medians[ours]) + 1)
    print(title)
    print(f"{'':{width}}{ours:>12}" + "".join(f"{peer:>28}" for peer in peers))
    for key in medians[ours]:
        unit = " MB" if key == "MB" else time_unit
        name, own = "peak memory" if key == "MB" else key, medians[ours][key]
        digits = 0 if key == "MB" else 2
        row = f"{name:{width}}{own:{12 - len(unit)}.{digits}f}{unit}"
        for peer in peers:
            value = medians[peer][key]
            row += f"{value:{17 - len(unit)}.{digits}f}{unit}{value / max(own, 1e-9):10.2f}×"
        print(row)


def compare_pictures(arguments):
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = f"{folder}/tessera.png", f"{folder}/diffusers.png"
        medians = alternate(arguments.runs, {
            "tessera": lambda: tessera_picture(arguments, ours),
            "diffusers": lambda: diffusers_picture(arguments, theirs)})
        mean, most = (float(value) for value in difference(ours, theirs))
    if arguments.json:
        return print(json.dumps({"medians": medians, "meanDifference": mean, "greatestDifference": most}))
    show(f"{PROMPT!r} at {arguments.size}, {arguments.threads} threads, medians of {arguments.runs} alternating runs",
         medians)
    print(f"pictures differ by {mean:.5f} on average and {most:.0f} at most, of 255")


def compare_steps(arguments):
    report = {}
    for stage in arguments.stage:
        runners = {"tessera": lambda: tessera_step(arguments, stage)}
        for engine in arguments.peers.split(","):
            runners[engine] = lambda engine=engine: peer_step(arguments, stage, engine)
        if "tessera-fast" in runners:
            runners["tessera-fast"] = lambda: tessera_step(arguments, stage, "fast")
        report[stage] = alternate(arguments.runs, runners)
        if not arguments.json:
            show(f"one step of {stage} of {arguments.model}, {arguments.threads} threads, medians of {arguments.runs}"
                 " alternating runs", report[stage])
    if arguments.json:
        print(json.dumps(report))


def compare_kernels(arguments):
    rows = []

    def ours():
        figures = tessera_kernels(arguments)
        rows[:] = figures
        return figures

    runners = {"tessera": ours}
    for engine in arguments.peers.split(","):
        if engine == "tessera-fast":
            runners[engine] = lambda: tessera_kernels(arguments, fast=True)
        else:
            runners[engine] = lambda engine=engine: torch_kernels(arguments, engine, rows)
    medians = alternate(arguments.runs, runners)
    if arguments.json:
        return print(json.dumps(medians))
    show(f"operators, {arguments.threads} threads, medians of {arguments.runs} alternating runs", medians, " ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    picture, step, kernels = (commands.add_parser(name) for name in ("picture", "step", "kernels"))
    picture.add_argument("--model", default=str(ROOT / "weights/emoji"))
    picture.add_argument("--size", type=int, default=1024)
    step.add_argument("model")
    step.add_argument("stage", nargs="+")
    step.add_argument("--peers", default="torch-f32,torch-channels-last,torch-bf16")
    step.add_argument("--steps", type=int, default=2, help="of a peer's process; the fastest counts")
    kernels.add_argument("--peers", default="tessera-fast,torch-f32,torch-channels-last")
    for command in (picture, step, kernels):
        command.add_argument("--runs", type=int, default=3)
        command.add_argument("--threads", type=int, default=os.cpu_count())
        command.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
        command.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    {"picture": compare_pictures, "step": compare_steps, "kernels": compare_kernels}[arguments.command](arguments)


if __name__ == "__main__":
    main()
