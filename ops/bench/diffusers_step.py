"""Times one network of a model folder in PyTorch or OpenVINO: the peer of `tessera bench stages --stage`.

Usage: python ops/bench/diffusers_step.py MODEL STAGE [--engine torch-f32|torch-bf16|torch-channels-last|openvino]
Runs the network that the stage runs in each step, with inputs of the stage's size (two images where it is guided).
Prints one JSON line: seconds to load, seconds of each timed step, peak resident memory in MB.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel

ENGINES = ["torch-f32", "torch-channels-last", "torch-bf16", "openvino"]


class Step(torch.nn.Module):
    """A stage's network as a function of the noisy sample alone; everything else is constant."""

    def __init__(self, folder, stage, dtype):
        super().__init__()
        self.kind, path = find(Path(folder), stage)
        classes = {"prior": PriorTransformer, "decoder": UNet2DConditionModel, "upscaler": UNet2DModel}
        self.network = classes[self.kind].from_pretrained(path, torch_dtype=dtype).eval()
        config, noise = self.network.config, lambda *shape: torch.randn(*shape, dtype=dtype)
        if self.kind == "prior":
            tokens, width = config.num_embeddings, config.embedding_dim
            self.sample = noise(2, width)
            mask = torch.arange(tokens)[None] < 9
            self.constants = [noise(2, width), noise(2, tokens, width), mask.expand(2, -1)]
        elif self.kind == "decoder":
            size, tokens = config.sample_size, 81
            self.sample = noise(2, 3, size, size)
            mask = torch.arange(tokens)[None] < 13
            self.constants = [noise(2, tokens, config.cross_attention_dim), mask.expand(2, -1)]
            self.labels = noise(2, 4 * config.block_out_channels[0])
        else:
            self.sample = noise(1, 6, config.sample_size, config.sample_size)

    def forward(self, x):
        if self.kind == "prior":
            return self.network(x, 500, *self.constants, return_dict=False)[0]
        if self.kind == "decoder":
            context, mask = self.constants
            return self.network(x, 500, context, self.labels, attention_mask=mask, return_dict=False)[0]
        return self.network(x, 500, return_dict=False)[0]


def find(folder, stage):
    """Kind and folder of the network of a stage of cascade.json."""
    stages = json.loads((folder / "cascade.json").read_text())["stages"]
    for index, entry in enumerate(stages):
        config = json.loads((folder / entry["component"] / "config.json").read_text())
        kind = ["prior", "decoder"][index] if index < 2 else "upscaler"
        name = {"prior": "prior", "decoder": "base", "upscaler": "up"}[kind] + str(config.get("sample_size", ""))
        if entry.get("name", name) == stage:
            return kind, folder / entry["component"]
    raise SystemExit(f"{folder} has no stage {stage}")


def compiled(step, threads):
    """The step in OpenVINO, f32."""
    import openvino

    model = openvino.convert_model(step, example_input=step.sample)
    hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.compile_model(model, "CPU", hints).create_infer_request()
    return lambda x: request.infer([x.numpy()])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("stage")
    parser.add_argument("--engine", choices=ENGINES, default="torch-f32")
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(arguments.threads)

    clock = time.perf_counter()
    step = Step(arguments.model, arguments.stage, torch.bfloat16 if arguments.engine == "torch-bf16" else torch.float32)
    if arguments.engine == "torch-channels-last":
        step.network.to(memory_format=torch.channels_last)
        step.sample = step.sample.to(memory_format=torch.channels_last)
    run = compiled(step, arguments.threads) if arguments.engine == "openvino" else step
    load = time.perf_counter() - clock
    seconds = []
    for _ in range(arguments.steps):
        clock = time.perf_counter()
        run(step.sample)
        seconds.append(time.perf_counter() - clock)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"load": load, "seconds": seconds, "peak_memory_mb": peak}))


if __name__ == "__main__":
    main()
