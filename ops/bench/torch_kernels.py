"""Times operators in PyTorch: the peer of the rows of `tessera bench kernels`.

Usage: python ops/bench/torch_kernels.py [--engine torch-f32|torch-channels-last|torch-bf16] ROW...
A row is an operator as `tessera bench kernels` names it: conv 3×3 1×256²×320→320, product 4096×320→320,
attention 2×10×1024²×64, group norm + SiLU 256²×320. Prints one JSON line: milliseconds of each row's fastest run.
"""

import argparse
import json
import re
import time

import torch
import torch.nn.functional as functional


def operator(row, engine):
    """What a row names, as a function without arguments."""
    dtype = torch.bfloat16 if engine == "torch-bf16" else torch.float32
    layout = torch.channels_last if engine == "torch-channels-last" else torch.contiguous_format
    numbers = [int(number) for number in re.findall(r"\d+", row)]

    def noise(*shape):
        return torch.randn(*shape, dtype=dtype)

    def image(*shape):
        return noise(*shape).contiguous(memory_format=layout)

    if row.startswith("conv"):
        images, size, inputs, outputs = numbers[2:]
        x, weight = image(images, inputs, size, size), image(outputs, inputs, 3, 3)
        return lambda: functional.conv2d(x, weight, padding=1)
    if row.startswith("product"):
        rows, inputs, outputs = numbers
        x, weight = noise(rows, inputs), noise(outputs, inputs)
        return lambda: functional.linear(x, weight)
    if row.startswith("attention"):
        images, heads, tokens, size = numbers
        shape = images, tokens, heads, size  # as a network has them: token after token
        query, key, value = (noise(*shape).transpose(1, 2) for _ in range(3))
        return lambda: functional.scaled_dot_product_attention(query, key, value)
    if row.startswith("group norm"):
        size, channels = numbers
        x, ones = image(1, channels, size, size), torch.ones(channels, dtype=dtype)
        return lambda: functional.silu(functional.group_norm(x, 8, ones, ones))
    raise SystemExit(f"unknown row: {row}")


def fastest(function, runs):
    """Milliseconds, after one run that is not counted; at least half a second's runs."""
    function()
    times = []
    while len(times) < runs or sum(times) < 0.5:
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times) * 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("row", nargs="+")
    parser.add_argument("--engine", choices=["torch-f32", "torch-channels-last", "torch-bf16"], default="torch-f32")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    with torch.no_grad():
        print(json.dumps({row: fastest(operator(row, arguments.engine), arguments.runs) for row in arguments.row}))


if __name__ == "__main__":
    main()
