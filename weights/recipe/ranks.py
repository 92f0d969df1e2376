"""Steps that several processes share: what `torchrun --nproc-per-node N weights/recipe/train.py …` starts.

Each rank takes its part of every batch and all apply the mean of their gradients, so that their weights stay the
same. On a CPU two ranks of one thread each are half as fast again as one of two threads: small steps are short of
work for two, and each of their many operations waits for both.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as distributed


def join() -> None:
    """Meets the other ranks, where torchrun started this process."""
    if "WORLD_SIZE" in os.environ:
        distributed.init_process_group("gloo")


def count() -> int:
    return distributed.get_world_size() if distributed.is_initialized() else 1


def rank() -> int:
    """Which of them this is; 0 is the one that tells, saves and exports."""
    return distributed.get_rank() if distributed.is_initialized() else 0


def say(line: str) -> None:
    """Prints it once, not once a rank."""
    if rank() == 0:
        print(line, flush=True)


@contextmanager
def first_alone() -> Iterator[None]:
    """Rank 0 goes first: what it leaves in a folder, the others find there."""
    if rank() > 0:
        distributed.barrier()
    yield
    if rank() == 0 and count() > 1:
        distributed.barrier()


def share(parameters: list[torch.nn.Parameter], stopping: bool) -> bool:
    """Puts the mean over all ranks in place of each gradient. Returns whether any rank is stopping."""
    if count() == 1:
        return stopping
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    flag = torch.tensor([float(stopping)], device=gradients[0].device)
    joined = torch.cat([*(gradient.flatten() for gradient in gradients), flag])
    distributed.all_reduce(joined)
    *means, flag = (joined / count()).split([*(gradient.numel() for gradient in gradients), 1])
    for gradient, mean in zip(gradients, means):
        gradient.copy_(mean.view_as(gradient))
    return bool(flag > 0)
