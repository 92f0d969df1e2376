"""Renders one prompt with PyTorch and diffusers from a Tessera model folder: the peer that Tessera is measured against.

Usage: python ops/bench/diffusers_render.py MODEL PROMPT --size 1024 --seed 1 [--steps STAGE=N] [--out picture.png]
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
    """The networks of one model folder in f32, each read when it is first used.

    `layout` is that of the U-Nets: channels_last is the faster one on most CPUs, contiguous the more exact one,
    since PyTorch's group norm in channels_last sums a map's pixels one after the other."""

    def __init__(self, folder, layout=torch.channels_last):
        self.folder, self.layout = Path(folder), layout
        self.stages = {s["name"]: s for s in json.loads((self.folder / "cascade.json").read_text())["stages"]}
        self.prior_stage, self.base_stage, *self.upsampler_stages = self.stages
        self.tokenizer = CLIPTokenizer.from_pretrained(self.folder / "tokenizer")
        self.schedulers = {
            name: UnCLIPScheduler.from_pretrained(self.folder / stage["scheduler"])
            for name, stage in self.stages.items()
        }
        self.networks = {}

    def network(self, kind, name):
        if name not in self.networks:
            network = kind.from_pretrained(self.folder / name, torch_dtype=torch.float32).eval()
            if kind in (UNet2DConditionModel, UNet2DModel):
                network = network.to(memory_format=self.layout)
            self.networks[name] = network
        return self.networks[name]

    def load(self):
        """Reads everything now, to time it."""
        self.network(CLIPTextModelWithProjection, "text_encoder")
        self.network(UnCLIPTextProjModel, "text_proj")
        kinds = [PriorTransformer, UNet2DConditionModel] + [UNet2DModel] * len(self.upsampler_stages)
        for kind, stage in zip(kinds, self.stages.values()):
            for component in {stage["component"], stage.get("last_component", stage["component"])}:
                self.network(kind, component)

    def embedding_width(self):
        config = self.folder / self.stages[self.prior_stage]["component"] / "config.json"
        return json.loads(config.read_text())["embedding_dim"]

    def encode(self, prompt):
        """Embedding, states and mask of the empty prompt and of the given one."""
        length = self.tokenizer.model_max_length
        tower = self.network(CLIPTextModelWithProjection, "text_encoder")
        rows = []
        for text in ("", prompt):
            tokens = self.tokenizer(
                [text], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
            out = tower(tokens.input_ids)
            rows.append((out.text_embeds, out.last_hidden_state, tokens.attention_mask.bool()))
        return [torch.cat(pair) for pair in zip(*rows)]

    def denoise(self, stage, x, generator, predict, steps=None):
        scheduler = self.schedulers[stage]
        scheduler.set_timesteps(steps or self.stages[stage]["steps"])
        timesteps = scheduler.timesteps
        for i, t in enumerate(timesteps):
            previous = None if i + 1 == len(timesteps) else timesteps[i + 1]
            x = scheduler.step(predict(x, t), t, x, prev_timestep=previous, generator=generator).prev_sample
        return x

    def prior(self, text, states, mask):
        """The guided prediction of a step as a function of sample and timestep."""
        stage = self.stages[self.prior_stage]
        network, guidance = self.network(PriorTransformer, stage["component"]), stage["guidance"]

        def predict(x, t):
            out = network(torch.cat([x, x]), t, text, states, mask).predicted_image_embedding
            unconditional, conditional = out.chunk(2)
            return unconditional + guidance * (conditional - unconditional)

        return predict

    def decoder(self, embedding, text, states, mask):
        stage, projection = self.stages[self.base_stage], self.network(UnCLIPTextProjModel, "text_proj")
        network, guidance = self.network(UNet2DConditionModel, stage["component"]), stage["guidance"]
        context, added = projection(
            image_embeddings=embedding, prompt_embeds=text, text_encoder_hidden_states=states,
            do_classifier_free_guidance=True)
        mask = F.pad(mask, (projection.clip_extra_context_tokens, 0), value=True)

        def predict(x, t):
            out = network(torch.cat([x, x]), t, context, class_labels=added, attention_mask=mask).sample
            (unconditional, _), (conditional, variance) = (half.split(3, 1) for half in out.chunk(2))
            return torch.cat([unconditional + guidance * (conditional - unconditional), variance], 1)

        return predict

    def upsampler(self, name, image):
        """The last step (t = 0) has a network of its own where the stage names one."""
        stage = self.stages[name]
        low = F.interpolate(
            image.clamp(-1, 1), size=[stage["size"]] * 2, mode="bicubic", align_corners=False, antialias=True)

        def predict(x, t):
            component = stage.get("last_component", stage["component"]) if t == 0 else stage["component"]
            return self.network(UNet2DModel, component)(torch.cat([x, low], 1), t).sample

        return predict


def render(cascade, prompt, seed, size, steps):
    """Returns the picture in [-1, 1] and the seconds of each stage."""
    generator = torch.Generator().manual_seed(seed)
    seconds, clock = {}, time.perf_counter()

    def run(stage, shape, predict):
        nonlocal clock
        start = torch.randn(1, *shape, generator=generator)
        x = cascade.denoise(stage, start, generator, predict, steps.get(stage))
        seconds[stage], clock = time.perf_counter() - clock, time.perf_counter()
        return x

    texts = cascade.encode(prompt)
    prior = cascade.network(PriorTransformer, cascade.stages[cascade.prior_stage]["component"])
    start = [cascade.embedding_width()]
    embedding = prior.post_process_latents(run(cascade.prior_stage, start, cascade.prior(*texts)))
    side = cascade.stages[cascade.base_stage]["size"]
    image = run(cascade.base_stage, [3, side, side], cascade.decoder(embedding, *texts))
    for stage in cascade.upsampler_stages:
        side = cascade.stages[stage]["size"]
        if size >= side:
            image = run(stage, [3, side, side], cascade.upsampler(stage, image))
    return image.clamp(-1, 1), seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("prompt")
    parser.add_argument("--size", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", action="append", default=[], metavar="STAGE=N")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    torch.set_grad_enabled(False)
    torch.set_num_threads(arguments.threads)

    clock = time.perf_counter()
    cascade = Cascade(arguments.model)
    cascade.load()
    load_seconds = time.perf_counter() - clock
    steps = {stage: int(count) for stage, count in (text.split("=") for text in arguments.steps)}
    image, seconds = render(cascade, arguments.prompt, arguments.seed, arguments.size, steps)
    if arguments.out:
        pixels = ((image[0] * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0) * 255).round().to(torch.uint8)
        Image.fromarray(pixels.numpy()).save(arguments.out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"load": load_seconds, "stages": seconds, "peak_memory_mb": peak}))


if __name__ == "__main__":
    main()
