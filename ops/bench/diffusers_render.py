"""Renders one prompt with PyTorch and diffusers from a Tessera model folder: the peer that Tessera is measured against.

Usage: python ops/bench/diffusers_render.py MODEL PROMPT --size 1024 --seed 1 [--out picture.png]
Prints one JSON line: seconds to load, seconds by stage, peak resident memory in MB.
The arithmetic is that of diffusers' UnCLIPPipeline, with the 256→1024 stage appended and all noise drawn from one
torch.Generator in the order prior, decoder, 256, 1024.
"""

import argparse
import json
import resource
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel, UnCLIPScheduler
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from PIL import Image
from transformers import CLIPTextModelWithProjection, CLIPTokenizer


class Cascade:
    """The networks of one model folder in f32, convolutions in channels_last, the faster layout on CPUs."""

    def __init__(self, folder):
        folder = Path(folder)
        load = lambda kind, name: kind.from_pretrained(folder / name, torch_dtype=torch.float32).eval()
        self.stages = {s["name"]: s for s in json.loads((folder / "cascade.json").read_text())["stages"]}
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.text = load(CLIPTextModelWithProjection, "text_encoder")
        self.prior = load(PriorTransformer, "prior")
        self.text_proj = load(UnCLIPTextProjModel, "text_proj")
        self.decoder = load(UNet2DConditionModel, "decoder").to(memory_format=torch.channels_last)
        self.upsamplers = {
            name: load(UNet2DModel, stage["component"]).to(memory_format=torch.channels_last)
            for name, stage in self.stages.items()
            if name.startswith("up")
        }
        self.schedulers = {
            name: UnCLIPScheduler.from_pretrained(folder / stage["scheduler"]) for name, stage in self.stages.items()
        }

    def encode(self, prompt):
        length = self.tokenizer.model_max_length
        tokens = self.tokenizer(prompt, padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        out = self.text(tokens.input_ids)
        return out.text_embeds, out.last_hidden_state, tokens.attention_mask.bool()

    def denoise(self, stage, x, generator, predict):
        scheduler = self.schedulers[stage]
        scheduler.set_timesteps(self.stages[stage]["steps"])
        steps = scheduler.timesteps
        for i, t in enumerate(steps):
            previous = None if i + 1 == len(steps) else steps[i + 1]
            x = scheduler.step(predict(x, t), t, x, prev_timestep=previous, generator=generator).prev_sample
        return x

    def embed(self, text, states, mask, generator):
        guidance = self.stages["prior"]["guidance"]

        def predict(x, t):
            out = self.prior(torch.cat([x, x]), t, text, states, mask).predicted_image_embedding
            unconditional, conditional = out.chunk(2)
            return unconditional + guidance * (conditional - unconditional)

        start = torch.randn(1, self.prior.config.embedding_dim, generator=generator)
        return self.prior.post_process_latents(self.denoise("prior", start, generator, predict))

    def decode(self, embedding, text, states, mask, generator):
        guidance = self.stages["base64"]["guidance"]
        context, added = self.text_proj(
            image_embeddings=embedding, prompt_embeds=text, text_encoder_hidden_states=states,
            do_classifier_free_guidance=True)
        mask = F.pad(mask, (self.text_proj.clip_extra_context_tokens, 0), value=True)

        def predict(x, t):
            out = self.decoder(torch.cat([x, x]), t, context, class_labels=added, attention_mask=mask).sample
            (unconditional, _), (conditional, variance) = (half.split(3, 1) for half in out.chunk(2))
            return torch.cat([unconditional + guidance * (conditional - unconditional), variance], 1)

        size = self.stages["base64"]["size"]
        return self.denoise("base64", torch.randn(1, 3, size, size, generator=generator), generator, predict)

    def upsample(self, stage, image, generator):
        size = self.stages[stage]["size"]
        low = F.interpolate(image.clamp(-1, 1), size=[size, size], mode="bicubic", align_corners=False, antialias=True)
        network = self.upsamplers[stage]
        start = torch.randn(1, 3, size, size, generator=generator)
        return self.denoise(stage, start, generator, lambda x, t: network(torch.cat([x, low], 1), t).sample)


def render(cascade, prompt, seed, size):
    """Returns the picture in [-1, 1] and the seconds of each stage."""
    generator = torch.Generator().manual_seed(seed)
    seconds, clock = {}, time.perf_counter()

    def lap(stage):
        nonlocal clock
        seconds[stage], clock = time.perf_counter() - clock, time.perf_counter()

    text, states, mask = (torch.cat(pair) for pair in zip(cascade.encode([""]), cascade.encode([prompt])))
    embedding = cascade.embed(text, states, mask, generator)
    lap("prior")
    image = cascade.decode(embedding, text, states, mask, generator)
    lap("base64")
    for stage in cascade.upsamplers:
        if size >= cascade.stages[stage]["size"]:
            image = cascade.upsample(stage, image, generator)
            lap(stage)
    return image.clamp(-1, 1), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("prompt")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(arguments.threads)

    clock = time.perf_counter()
    cascade = Cascade(arguments.model)
    load_seconds = time.perf_counter() - clock
    image, seconds = render(cascade, arguments.prompt, arguments.seed, arguments.size)
    if arguments.out:
        pixels = ((image[0] * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0) * 255).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(arguments.out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"load": load_seconds, "stages": seconds, "peak_memory_mb": peak}))


if __name__ == "__main__":
    main()
