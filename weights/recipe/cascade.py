"""The cascade in PyTorch and f32: what the engine computes, with the same noise from the same seeds."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import PriorTransformer, UNet2DConditionModel, UNet2DModel, UnCLIPScheduler
from diffusers.pipelines.deprecated.unclip.text_proj import UnCLIPTextProjModel
from transformers import CLIPTextModelWithProjection, CLIPTokenizer


def stages(folder: Path) -> dict[str, dict]:
    """The stages of a model folder's cascade.json by name."""
    return {stage["name"]: stage for stage in json.loads((folder / "cascade.json").read_text())["stages"]}


class Noise:
    """One generator a picture, on the CPU, so that a picture does not depend on the others of its batch."""

    def __init__(self, seeds: list[int], device: torch.device):
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.device = device

    def __call__(self, *shape: int) -> torch.Tensor:
        return torch.cat([torch.randn(1, *shape, generator=g) for g in self.generators]).to(self.device)


class Cascade:
    """A model folder ready to draw. `trace`, where given, receives the tensors that golden files hold."""

    def __init__(self, folder: Path, device: str = "cpu"):
        def load(kind, name):
            return kind.from_pretrained(folder / name, torch_dtype=torch.float32).eval().to(device)
        self.device = torch.device(device)
        self.stages = stages(folder)
        self.tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        self.text = load(CLIPTextModelWithProjection, "text_encoder")
        self.prior = load(PriorTransformer, "prior")
        self.projection = load(UnCLIPTextProjModel, "text_proj")
        self.decoder = load(UNet2DConditionModel, "decoder")
        self.upsamplers = {name: load(UNet2DModel, self.stages[name]["component"])
                           for name in ("up256", "up1024")}
        self.schedulers = {stage["scheduler"]: UnCLIPScheduler.from_pretrained(folder / stage["scheduler"])
                           for stage in self.stages.values()}

    @torch.no_grad()
    def __call__(self, prompts: list[str], seeds: list[int], size: int = 64, guidance: float | None = None,
                 trace: dict | None = None) -> torch.Tensor:
        """[n, 3, size, size] in [-1, 1]."""
        trace = {} if trace is None else trace
        noise = Noise(seeds, self.device)
        conditions = self.encode([""] * len(prompts) + prompts, trace)
        embedding = self.embed(conditions, noise, trace)
        picture = self.base(conditions, embedding, noise, guidance, trace)
        for name in ("up256", "up1024"):
            side = self.stages[name]["size"]
            if size >= side:
                picture = self.enlarge(name, picture, side, noise, trace)
        return picture

    def encode(self, prompts: list[str], trace: dict):
        """Text embedding, states and mask; the empty prompts come first."""
        rows = self.tokenizer(prompts, padding="max_length", max_length=self.tokenizer.model_max_length,
                              truncation=True, return_tensors="pt").to(self.device)
        text = self.text(rows.input_ids)
        half = len(prompts) // 2
        trace.update(ids=rows.input_ids[half:], text_embeds=text.text_embeds[half:],
                     text_states=text.last_hidden_state[half:])
        return text.text_embeds, text.last_hidden_state, rows.attention_mask.bool()

    def sample(self, stage: str, noise: Noise, shape, network):
        """The last sample of the stage's denoising loop."""
        scheduler = self.schedulers[self.stages[stage]["scheduler"]]
        scheduler.set_timesteps(self.stages[stage]["steps"])
        times = scheduler.timesteps.tolist()
        sample = noise(*shape)
        for index, t in enumerate(times):
            output = network(sample, t)
            before = times[index + 1] if index + 1 < len(times) else None
            sample = self.step(scheduler, output, t, sample, before, noise)
        return sample

    def step(self, scheduler, output, t: int, sample, before, noise: Noise):
        """The scheduler's step for each picture with its own generator."""
        rows = [scheduler.step(output[i:i + 1].cpu(), t, sample[i:i + 1].cpu(), prev_timestep=before,
                               generator=generator).prev_sample
                for i, generator in enumerate(noise.generators)]
        return torch.cat(rows).to(self.device)

    def embed(self, conditions, noise, trace):
        text, states, mask = conditions
        scale = self.stages["prior"]["guidance"]

        def network(sample, t):
            output = self.prior(torch.cat([sample] * 2), timestep=t, proj_embedding=text,
                                encoder_hidden_states=states, attention_mask=mask).predicted_image_embedding
            trace.setdefault("prior_first", output)
            without, given = output.chunk(2)
            return without + scale * (given - without)
        sample = self.sample("prior", noise, (self.prior.config.embedding_dim,), network)
        embedding = self.prior.post_process_latents(sample)
        trace.update(image_embeds=embedding)
        return embedding

    def base(self, conditions, embedding, noise, guidance, trace):
        text, states, mask = conditions
        context, added = self.projection(image_embeddings=embedding, prompt_embeds=text,
                                         text_encoder_hidden_states=states, do_classifier_free_guidance=True)
        mask = F.pad(mask, (self.projection.clip_extra_context_tokens, 0), value=True)
        scale = self.stages["base64"]["guidance"] if guidance is None else guidance

        def network(sample, t):
            output = self.decoder(torch.cat([sample] * 2), t, encoder_hidden_states=context,
                                  class_labels=added, attention_mask=mask).sample
            trace.setdefault("decoder_first", output)
            without, given = output.chunk(2)
            mean = without[:, :3] + scale * (given[:, :3] - without[:, :3])
            return torch.cat([mean, given[:, 3:]], dim=1)
        picture = self.sample("base64", noise, (3, 64, 64), network)
        trace.update(proj_states=context, proj_add=added, image64=picture.clamp(-1, 1))
        return picture.clamp(-1, 1)

    def enlarge(self, name, picture, side, noise, trace):
        large = F.interpolate(picture, size=[side, side], mode="bicubic", align_corners=False, antialias=True)

        def network(sample, t):
            output = self.upsamplers[name](torch.cat([sample, large], dim=1), t).sample
            trace.setdefault(f"{name}_first", output)
            return output
        result = self.sample(name, noise, (3, side, side), network)
        trace.update({f"image{side}": result.clamp(-1, 1)})
        return result.clamp(-1, 1)


def pixels(pictures: torch.Tensor):
    """uint8 [n, side, side, 3], rounded half to even as the engine does."""
    return ((pictures * 0.5 + 0.5).clamp(0, 1) * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
