"""The cosine noise schedule and the losses of networks that predict the clean sample."""

import math

import torch

STEPS = 1000


class Schedule:
    """Tables over t = 0…999 (cosine, betas capped at 0.999), as diffusers' squaredcos_cap_v2."""

    def __init__(self, device: torch.device):
        def level(i):
            return math.cos((i / STEPS + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = [min(1 - level(i + 1) / level(i), 0.999) for i in range(STEPS)]
        self.beta = torch.tensor(betas, dtype=torch.float32, device=device)
        self.kept = torch.cumprod(1 - self.beta, 0)  # ᾱ
        self.kept_before = torch.cat([torch.ones(1, device=device), self.kept[:-1]])
        posterior = self.beta * (1 - self.kept_before) / (1 - self.kept)
        posterior[0] = posterior[1]  # t = 0 has none; its logarithm must stay finite
        self.log_beta, self.log_posterior = self.beta.log(), posterior.log()

    def times(self, count: int) -> torch.Tensor:
        """int64 [count], spread evenly over the range so that a batch sees all noise levels."""
        device = self.beta.device
        spread = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        return (spread[torch.randperm(count, device=device)] * STEPS).long().clamp(max=STEPS - 1)

    def noisy(self, clean: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        kept = self.kept[t].view(-1, *[1] * (clean.dim() - 1))
        return kept.sqrt() * clean + (1 - kept).sqrt() * torch.randn_like(clean)

    def weight(self, t: torch.Tensor) -> torch.Tensor:
        """Signal-to-noise ratio held to 1…5: no noise level is lost, none drowns the others
        (arXiv 2202.00512 below, arXiv 2303.09556 above)."""
        kept = self.kept[t]
        return (kept / (1 - kept)).clamp(1, 5)

    def variance_loss(self, clean, noisy, predicted, fraction, t) -> torch.Tensor:
        """[n]: divergence of the learned posterior from the true one, the mean held fixed (arXiv 2102.09672).

        `fraction` in [-1, 1] goes from log β̃ to log β; zero where t = 0."""
        def at(table):
            return table[t].view(-1, 1, 1, 1)
        upper, lower = at(self.log_beta), at(self.log_posterior)
        log_variance = lower + (fraction + 1) / 2 * (upper - lower)
        factor = at(self.kept_before).sqrt() * at(self.beta) / (1 - at(self.kept))
        gap = factor * (predicted.detach().clamp(-1, 1) - clean)
        spread = log_variance - lower - 1 + (lower - log_variance).exp()
        divergence = (spread + gap ** 2 * (-log_variance).exp()) / 2
        return divergence.mean((1, 2, 3)).clamp(max=50) * (t > 0)
