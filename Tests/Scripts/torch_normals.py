"""Prints the rows of TorchGeneratorTests: first and last values of the last of several draws. Needs PyTorch 2.15."""
import torch

DRAWS = [
    (0, [6]), (0, [16]), (42, [4]), (42, [16]), (7, [3, 17]), (7, [3, 17, 3]), (7, [3, 17, 3, 40]), (2**40 + 5, [5]),
    (1, [1000003]), (3, [1888, 1]), (3, [1888, 1, 1]),
]
for seed, counts in DRAWS:
    generator = torch.Generator().manual_seed(seed)
    for count in counts:
        values = torch.randn(count, generator=generator)
    print(seed, counts, ["%.9g" % v for v in values[:6]], ["%.9g" % v for v in values[-3:]])
