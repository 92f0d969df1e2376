"""Times `tessera render` beside PyTorch and diffusers: the same model folder, prompt, seed, size and threads,
whole processes run alternately, medians printed as a table.

Usage: python ops/bench/peers.py [--runs 3] [--size 1024] [--threads 2] [--model weights/emoji]
The Python that runs this must have torch, diffusers and transformers.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a red apple on a blue background"


def run_tessera(arguments, out):
    command = [arguments.tessera, "render", PROMPT, "--out", out, "--json", "--model", arguments.model]
    command += ["--size", str(arguments.size), "--seed", "1", "--threads", str(arguments.threads)]
    report = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    seconds = {stage["name"]: stage["seconds"] for stage in report["stages"]}
    load = sum(stage["loadSeconds"] for stage in report["stages"])
    return {"load": load, "stages": seconds, "peak_memory_mb": report["peakMemoryBytes"] / 2**20}


def run_diffusers(arguments, out):
    command = [sys.executable, str(ROOT / "ops/bench/diffusers_render.py"), arguments.model, PROMPT, "--out", out]
    command += ["--size", str(arguments.size), "--seed", "1", "--threads", str(arguments.threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.strip().splitlines()[-1])


def compare(first, second):
    """Mean and greatest difference of two pictures in 8-bit steps."""
    import numpy as np
    from PIL import Image

    a, b = (np.asarray(Image.open(path).convert("RGB")).astype(int) for path in (first, second))
    return abs(a - b).mean(), abs(a - b).max()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--model", default=str(ROOT / "weights/emoji"))
    parser.add_argument("--tessera", default=str(ROOT / ".build/release/tessera"))
    arguments = parser.parse_args()

    results = {"tessera": [], "diffusers": []}
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = f"{folder}/tessera.png", f"{folder}/diffusers.png"
        for _ in range(arguments.runs):
            results["tessera"].append(run_tessera(arguments, ours))
            results["diffusers"].append(run_diffusers(arguments, theirs))
        mean, most = compare(ours, theirs)

    median = lambda who, value: statistics.median(value(result) for result in results[who])
    rows = [("load", lambda r: r["load"])]
    rows += [(name, lambda r, name=name: r["stages"][name]) for name in results["tessera"][0]["stages"]]
    rows += [("all stages", lambda r: sum(r["stages"].values()))]
    print(f"{PROMPT!r} at {arguments.size}, {arguments.threads} threads, medians of {arguments.runs} alternating runs")
    print(f"{'':12}{'tessera':>12}{'diffusers':>12}{'ratio':>8}")
    for name, value in rows:
        a, b = median("tessera", value), median("diffusers", value)
        print(f"{name:12}{a:10.2f} s{b:10.2f} s{b / max(a, 1e-9):7.2f}×")
    a, b = (median(who, lambda r: r["peak_memory_mb"]) for who in ("tessera", "diffusers"))
    print(f"{'peak memory':12}{a:9.0f} MB{b:9.0f} MB{b / a:7.2f}×")
    print(f"pictures differ by {mean:.5f} on average and {most} at most, of 255")


if __name__ == "__main__":
    main()
