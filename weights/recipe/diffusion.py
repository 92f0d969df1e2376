"""The cosine noise schedule and the losses of networks that predict the clean sample."""

import math

import torch

STEPS = 1000
STRIDE = 80  # longest step back for which the variance is learned: samplers of 12 steps and more


class Schedule:
    """Tables over t = 0…999 (cosine, betas capped at 0.999), as diffusers' squaredcos_cap_v2."""

    def __init__(self, device: torch.device):
        def level(i):
            return math.cos((i / STEPS + 0.008) / 1.008 * math.pi / 2) ** 2
        betas = [min(1 - level(i + 1) / level(i), 0.999) for i in range(STEPS)]
        beta = torch.tensor(betas, dtype=torch.float32, device=device)
        self.kept = torch.cumprod(1 - beta, 0)  # ᾱ

    def times(self, count: int, centred: bool = False) -> torch.Tensor:
        """int64 [count], spread evenly over the range so that a batch sees all noise levels.

        With `centred` half are logit-normal around 0.6 instead (arXiv 2403.03206), where shapes are
        settled: below there is little left to learn, above it much that no network can know."""
        device = self.kept.device
        spread = (torch.arange(count, device=device) + torch.rand(count, device=device)) / count
        spread = spread[torch.randperm(count, device=device)]
        if centred:
            spread[count // 2:] = torch.sigmoid(0.4 + torch.special.ndtri(spread[count // 2:]))
        return (spread * STEPS).long().clamp(max=STEPS - 1)

    def noisy(self, clean: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        kept = self.kept[t].view(-1, *[1] * (clean.dim() - 1))
        return kept.sqrt() * clean + (1 - kept).sqrt() * torch.randn_like(clean)

    def weight(self, t: torch.Tensor) -> torch.Tensor:
        """Square root of the signal-to-noise ratio, held to 0.2…5: a trained network's error falls about as
        this rises, so that each noise level has the same say (README.md's log)."""
        kept = self.kept[t]
        return (kept / (1 - kept)).sqrt().clamp(0.2, 5)

    def variance_loss(self, clean, predicted, fraction, t) -> torch.Tensor:
        """[n]: divergence of the learned posterior from the true one, the mean held fixed (arXiv 2102.09672).

        `fraction` goes from log β̃ at -1 to log β at 1. Samplers take strides and there the two are far apart,
        while between neighbouring times nothing would tell them from each other or hold the fraction to its
        range: so each row learns at a stride of its own, and what lies outside is pulled back."""
        stride = torch.randint(1, STRIDE + 1, t.shape, device=t.device)
        kept, before = self.kept[t], self.kept[(t - stride).clamp(min=0)]
        beta = 1 - kept / before
        upper = beta.clamp(min=1e-8).log()
        lower = (beta * (1 - before) / (1 - kept)).clamp(min=1e-8).log()
        factor = before.sqrt() * beta / (1 - kept)

        def spread(values):
            return values.view(-1, 1, 1, 1)
        held = fraction.clamp(-1, 1)
        above = (held + 1) / 2 * spread(upper - lower)  # logarithm of the variance over its least
        gap = spread(factor) * (predicted.detach().clamp(-1, 1) - clean)
        wrong = (gap ** 2 / spread(lower.exp())).clamp(max=50)  # a young network's would drown all else
        divergence = (above - 1 + (-above).exp() * (1 + wrong)) / 2
        outside = (fraction - held) ** 2
        return (divergence * spread(t > 0) + outside).mean((1, 2, 3))
