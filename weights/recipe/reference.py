"""Golden files for the engine's tests: pictures, and the tensors on the way to them.

    python weights/recipe/reference.py MODEL requests.jsonl OUT

Each line of requests.jsonl has id, prompt, seed and size; `"tensors": true` also keeps the tensors.
"""

import argparse
import json
from pathlib import Path

from PIL import Image
from safetensors.torch import save_file

from cascade import Cascade, pixels

KEPT = ("ids", "text_embeds", "text_states", "prior_first", "image_embeds", "proj_states", "proj_add",
        "decoder_first", "image64", "up256_first")


def main(model: Path, requests: Path, out: Path) -> None:
    cascade = Cascade(model)
    out.mkdir(parents=True, exist_ok=True)
    for request in map(json.loads, requests.read_text(encoding="utf-8").splitlines()):
        trace = {}
        cascade([request["prompt"]], [request["seed"]], request["size"], trace=trace)
        for side in (64, 256, 1024):
            if f"image{side}" in trace:
                Image.fromarray(pixels(trace[f"image{side}"])[0]).save(out / f"{request['id']}-{side}.png")
        if request.get("tensors"):
            tensors = {name: trace[name].contiguous() for name in KEPT if name in trace}
            save_file(tensors, out / f"{request['id']}.safetensors")
        print(request["id"], request["prompt"], flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("model", "requests", "out"):
        parser.add_argument(name, type=Path)
    main(**vars(parser.parse_args()))
