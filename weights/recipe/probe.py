"""Which stage is to blame: what the trained heads of the CLIP stage read from captions, from true renders and
from the prior's embeddings, for the evaluation's 400 prompts. Needs neither decoder nor export.

    python weights/recipe/probe.py
"""

import argparse
from pathlib import Path

import torch
from torch import nn

import export
import networks
from arguments import add_objects, add_work
from evaluate import FIRST_SEED, marks, questions, true_renders
from judge import choices, targets
from state import averaged, saved
from words import Words


class Probe:
    """The finished towers, heads and prior of a state folder."""

    def __init__(self, state: Path, objects: int):
        def load(network, stage, name):
            network.load_state_dict(averaged(state, stage, name))
            return network.eval()
        self.words = Words(state / "tokenizer")
        text = networks.text_tower(self.words.count, self.words.start, self.words.end)
        self.text = load(text, "clip", "text")
        self.image = load(networks.image_tower(), "clip", "image")
        self.heads = load(nn.ModuleDict({name: nn.Linear(networks.EMBEDDING, count)
                                         for name, count in choices(objects).items()}), "clip", "heads")
        self.prior = load(networks.prior(), "prior", "prior")

    def imagined(self, prompts: list[str], guidance: float, steps: int) -> torch.Tensor:
        """The prior's embeddings [n, E]."""
        def given(texts):
            tokens = self.words(texts).long()
            text = self.text(tokens)
            return {"proj_embedding": text.text_embeds, "encoder_hidden_states": text.last_hidden_state,
                    "attention_mask": self.words.mask(tokens)}
        asked, empty = given(prompts), given([""] * len(prompts))
        scheduler = networks.schedulers()["prior_scheduler"]
        scheduler.set_timesteps(steps)
        times = scheduler.timesteps.tolist()
        draws = torch.Generator().manual_seed(FIRST_SEED)
        sample = torch.randn(len(prompts), networks.EMBEDDING, generator=draws)
        for t, before in zip(times, [*times[1:], None]):
            without = self.prior(sample, t, **empty).predicted_image_embedding
            output = self.prior(sample, t, **asked).predicted_image_embedding
            output = without + guidance * (output - without)
            sample = scheduler.step(output, t, sample, prev_timestep=before, generator=draws).prev_sample
        return self.prior.post_process_latents(sample)

    def shares(self, embeddings: torch.Tensor, right: dict) -> dict[str, tuple[float, float]]:
        """Percentages by question, in English and Chinese."""
        found = marks({name: head(embeddings).argmax(1) for name, head in self.heads.items()}, right)
        half = len(embeddings) // 2
        return {name: (100 * float(mark[:half].nanmean()), 100 * float(mark[half:].nanmean()))
                for name, mark in found.items()}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_work(parser, "training's folder, whose state is read")
    add_objects(parser)
    parser.add_argument("--guidance", type=float, help="of the prior, instead of the shipped one")
    chosen = parser.parse_args()
    state, stage = chosen.work / "state", export.STAGES[0]
    known = saved(state, "clip")["objects"]
    if known != chosen.objects:
        raise SystemExit(f"{state} learned {known} objects: give --objects {known}")
    probe, (asked, prompts) = Probe(state, chosen.objects), questions(chosen.objects)
    placed, pictures = true_renders(asked, chosen.objects, state)
    guidance = stage["guidance"] if chosen.guidance is None else chosen.guidance
    embeddings = {
        "captions": probe.text(probe.words(prompts).long()).text_embeds,
        "true renders": probe.image(pictures).image_embeds,
        "prior": probe.imagined(prompts, guidance, stage["steps"]),
    }
    table = {name: probe.shares(rows, targets(placed)) for name, rows in embeddings.items()}
    print(f"{'English | Chinese':18}" + "".join(f"{name:>20}" for name in table))
    for question in table["captions"]:
        cells = ["{:.1f} | {:.1f}".format(*shares[question]) for shares in table.values()]
        print(f"{question:18}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    main()
