"""The stages of training: each names its networks and gives the loss of one batch."""

import functools
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

import networks
import words
from diffusion import STEPS, Schedule
from judge import Judge, choices, targets
from scenes import CENTRES, Painter, Pool
from sprites import atlas
from state import averaged
from vocabulary import things
from words import LENGTH, Words


@functools.cache
def faster_in_bf16() -> bool:
    """Whether this CPU is faster in bf16: by a third on two Zen 4 cores. Without instructions for it f32 is far
    faster, and 1.6 times as fast on a Xeon that has them but not AMX, which virtual machines may hide."""
    about = Path("/proc/cpuinfo")
    said = about.read_text().split() if about.exists() else []
    return "amx_bf16" in said or ("avx512_bf16" in said and "AuthenticAMD" in said)


class Stage:
    """What every stage shares: vocabulary, words, scenes and where the state lies."""

    batch, wide, rate = 64, 512, 1e-3  # pictures a step on a CPU and on a GPU, peak learning rate
    sizes: dict[int, int] = {64: 104}  # picture side → sprite side
    every = False                      # whether it learns the held-out combinations too

    def __init__(self, state: Path, options):
        self.state, self.device = state, torch.device(options.device)
        self.things = things(options.objects)
        if not (state / "tokenizer").exists():
            words.build(state / "tokenizer")
        self.words = Words(state / "tokenizer")
        self.pool = Pool(options.pool, self.things, self.words, options.seed, self.device, self.every)
        self.painters = {
            size: Painter(atlas(self.things, state / "sprites", side).to(self.device), size)
            for size, side in self.sizes.items()}
        self.networks = nn.ModuleDict()
        self.frozen = nn.ModuleDict()
        self.options = options

    def prepare(self, fresh: bool) -> None:
        """Moves the networks to their device; `fresh` tells that no earlier run's weights will follow."""
        self.networks.to(self.device, memory_format=torch.channels_last)
        self.frozen.to(self.device).eval().requires_grad_(False)

    def autocast(self):
        on = self.device.type == "cuda" or faster_in_bf16()
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=on)

    def towers(self) -> None:
        """Loads the finished CLIP towers as frozen networks."""
        self.frozen["text"] = networks.text_tower(self.words.count, self.words.start, self.words.end)
        self.frozen["image"] = networks.image_tower()
        for name in ("text", "image"):
            self.frozen[name].load_state_dict(averaged(self.state, "clip", name))

    @torch.no_grad()
    def embed(self, pictures, tokens):
        """Text embedding [n, E], text states [n, L, W] and image embedding [n, E], in f32."""
        with self.autocast():
            text = self.frozen["text"](tokens)
            image = self.frozen["image"](pictures).image_embeds
        return text.text_embeds.float(), text.last_hidden_state.float(), image.float()

    def empty(self, tokens: torch.Tensor) -> torch.Tensor:
        """The empty caption's row, as long as these."""
        return self.words([""])[:, :tokens.shape[1]].to(self.device).long()

    def loss(self, count: int) -> torch.Tensor:
        raise NotImplementedError


def naming(heads: nn.ModuleDict, embedding: torch.Tensor, right: dict) -> torch.Tensor:
    """Cross entropy of each head's answer, questions that a scene does not ask (-1) left out."""
    return sum(F.cross_entropy(heads[name](embedding), target, ignore_index=-1, reduction="sum")
               for name, target in right.items()) / len(embedding)


class Clip(Stage):
    """Both towers, by telling each caption's picture from the others of the batch, and by naming what is in
    either through heads that both share.

    Two more kinds of question teach each tower what is where, which those alone hardly do: the caption's own
    words in their order, and the object under each patch of the picture."""

    batch, wide, rate = 32, 512, 1e-3

    def __init__(self, state, options):
        super().__init__(state, options)
        self.networks["text"] = networks.text_tower(self.words.count, self.words.start, self.words.end)
        self.networks["image"] = networks.image_tower()
        self.networks["scale"] = nn.ParameterDict({"log": nn.Parameter(torch.tensor(2.659))})
        self.networks["heads"] = nn.ModuleDict({
            name: nn.Linear(networks.EMBEDDING, count) for name, count in choices(len(self.things)).items()})
        self.networks["wording"] = nn.ModuleDict({
            name: nn.Linear(networks.EMBEDDING, count) for name, count in
            {"subject": len(self.things), "other": len(self.things), "relation": len(CENTRES)}.items()})
        self.networks["patches"] = nn.Linear(self.networks["image"].config.hidden_size, len(self.things) + 1)

    def loss(self, count):
        scenes, tokens = self.pool.take(count)
        with self.autocast():
            text = self.networks["text"](tokens).text_embeds.float()
            seen = self.networks["image"](self.painters[64].draw(scenes))
            patches = self.networks["patches"](seen.last_hidden_state[:, 1:]).float()
            image = seen.image_embeds.float()
        heads, right = self.networks["heads"], targets(scenes)
        wording = {"subject": scenes.first, "other": scenes.second, "relation": scenes.relation}
        named = naming(heads, text, right) + naming(heads, image, right)
        named = named + naming(self.networks["wording"], text, wording)
        placed = F.cross_entropy(patches.flatten(0, 1), scenes.under(networks.PATCH).flatten() + 1)
        text, image = F.normalize(text, dim=-1), F.normalize(image, dim=-1)
        logits = text @ image.T * self.networks["scale"]["log"].exp().clamp(max=100)
        own = torch.arange(count, device=self.device)
        paired = (F.cross_entropy(logits, own) + F.cross_entropy(logits.T, own)) / 2
        return paired + named + 2 * placed


class Prior(Stage):
    """Caption to image embedding, in the space where each coordinate has mean 0 and deviation 1."""

    batch, wide, rate = 32, 512, 6e-4

    def __init__(self, state, options):
        super().__init__(state, options)
        self.towers()
        self.schedule = Schedule(self.device)
        self.networks["prior"] = networks.prior()

    def prepare(self, fresh):
        super().prepare(fresh)
        prior = self.networks["prior"]
        prior.clip_mean.requires_grad_(False)
        prior.clip_std.requires_grad_(False)
        if not fresh:
            return
        batches = (self.pool.take(256) for _ in range(self.options.statistics))
        images = torch.cat([self.embed(self.painters[64].draw(s), tokens)[2] for s, tokens in batches])
        prior.clip_mean.data, prior.clip_std.data = images.mean(0, True), images.std(0, keepdim=True)

    def loss(self, count):
        scenes, tokens = self.pool.take(count)
        empty = self.empty(tokens)
        tokens = torch.where(torch.rand(count, 1, device=self.device) < 0.1, empty, tokens)
        text, states, image = self.embed(self.painters[64].draw(scenes), tokens)
        rest = LENGTH - tokens.shape[1]  # the prior's places are fixed: it wants the whole, masked length
        states, mask = F.pad(states, (0, 0, 0, rest)), F.pad(self.words.mask(tokens), (0, rest))
        prior = self.networks["prior"]
        image = (image - prior.clip_mean) / prior.clip_std
        t = self.schedule.times(count)
        with self.autocast():
            guess = prior(self.schedule.noisy(image, t), t, proj_embedding=text, encoder_hidden_states=states,
                          attention_mask=mask).predicted_image_embedding
        return F.mse_loss(guess.float(), image)


class Decoder(Stage):
    """Caption and image embedding to a 64×64 picture. `--side 32` trains the same weights on halves first.

    Beside it a head that is not exported names the object under each place of the network's middle, in
    pictures of their own that hardly show it: where only the caption can tell what is where, a decoder learns
    it late, and of two objects draws one twice. At 32 it is learned, cheaply and with more of the say; at 64
    it is asked about an eighth as many pictures, so that it is not forgotten."""

    batch, wide, rate = 8, 256, 3e-4
    hidden = 900  # the time from which objects are hard to tell

    def __init__(self, state, options):
        super().__init__(state, options)
        self.towers()
        self.schedule = Schedule(self.device)
        self.networks["decoder"] = networks.decoder()
        self.networks["projection"] = networks.text_projection()
        self.networks["places"] = nn.Linear(networks.DECODER_CHANNELS[-1], len(self.things) + 1)

    def loss(self, count):
        if self.options.side < 64:
            return self.drawing(count) + self.placing(count)
        return self.drawing(count) + 0.4 * self.placing((count + 7) // 8)

    def drawing(self, count):
        """The picture's weighted error, and the variance's."""
        t = self.schedule.times(count, centred=True)
        clean, noisy, conditions, _ = self.noisy(count, t)
        with self.autocast():
            output = self.networks["decoder"](noisy, t, **conditions).sample
        guess, fraction = output.float().split(3, dim=1)
        error = ((guess - clean) ** 2).mean((1, 2, 3)) * self.schedule.weight(t)
        return (error + 1e-3 * self.schedule.variance_loss(clean, guess, fraction, t)).mean()

    def placing(self, count):
        """Cross entropy of the objects' names; the way up and its cost are spared."""
        t = torch.randint(self.hidden, STEPS, (count,), device=self.device)
        _, noisy, conditions, scenes = self.noisy(count, t)
        with self.autocast():
            middle = networks.middle(self.networks["decoder"], noisy, t, **conditions)
            features = middle.flatten(2).mT
            named = self.networks["places"](F.layer_norm(features, features.shape[-1:])).float()
        under = scenes.under(64 // middle.shape[-1])
        return F.cross_entropy(named.flatten(0, 1), under.flatten() + 1)

    def noisy(self, count, t):
        """Pictures, the same with noise, what the network is told about them, and their scenes."""
        scenes, tokens = self.pool.take(count)
        pictures = self.painters[64].draw(scenes)
        side = self.options.side
        clean = F.avg_pool2d(pictures, 64 // side) if side < 64 else pictures
        noisy = self.schedule.noisy(clean, t).contiguous(memory_format=torch.channels_last)
        return clean, noisy, self.conditions(pictures, tokens), scenes

    def conditions(self, pictures, tokens):
        """What the U-Net is told beside picture and time. In a tenth of the rows each, the image embedding is
        left out, the text, or both: guidance needs the last, prompts with unknown words the middle one. The
        embedding gets noise, as the prior's have, up to its own deviation, so that one of a combination never
        seen does not outweigh what the caption says."""
        count = len(tokens)
        chance = torch.rand(count, 1, device=self.device)
        tokens = torch.where(chance > 0.8, self.empty(tokens), tokens)
        text, states, image = self.embed(pictures, tokens)
        level = torch.rand(count, 1, device=self.device) * image.std(1, keepdim=True)
        image = image + level * torch.randn_like(image)
        projection = self.networks["projection"]
        without = projection.learned_classifier_free_guidance_embeddings[None]
        image = torch.where((chance > 0.7) & (chance <= 0.9), without, image)
        with self.autocast():
            context, added = projection(image_embeddings=image, prompt_embeds=text,
                                        text_encoder_hidden_states=states, do_classifier_free_guidance=False)
        mask = F.pad(self.words.mask(tokens), (networks.EXTRA_TOKENS, 0), value=True)
        return {"encoder_hidden_states": context, "class_labels": added, "attention_mask": mask}


class Up256(Stage):
    """64 to 256, on windows; the smaller picture is blurred and given noise as a decoder's faults would."""

    batch, wide, rate = 8, 64, 1e-3
    sizes = {256: 416}
    size, window, channels, name = 256, 96, networks.UP256_CHANNELS, "up256"
    margin = 16  # context around a window, so that its enlarged border is a picture's inside

    def __init__(self, state, options):
        super().__init__(state, options)
        self.schedule = Schedule(self.device)
        self.networks[self.name] = networks.upsampler(self.channels, self.size)

    def loss(self, count):
        clean, low = self.windows(count)
        t = self.schedule.times(count)
        with self.autocast():
            joined = torch.cat([self.schedule.noisy(clean, t), low], dim=1)
            guess = self.networks[self.name](joined.contiguous(memory_format=torch.channels_last), t).sample
        return F.mse_loss(guess.float(), clean)  # not weighted: edges get sharp where the noise is high

    def windows(self, count):
        """Clean windows [n, 3, window, window] around an object's edge region, and what enlarges to them."""
        scenes, _ = self.pool.take(count)
        reach = scenes.boxes[:, 0] * (self.size / 64)
        middle = reach[:, 1:] + reach[:, :1] * (torch.rand(count, 2, device=self.device) - 0.5)
        corner = (middle - self.window / 2).clamp(0, self.size - self.window) / 4
        corner = corner.floor() * 4 - self.margin
        wide = self.painters[self.size].draw(scenes, corner, self.window + 2 * self.margin)
        low = corrupt(F.avg_pool2d(wide, 4))
        low = F.interpolate(low, scale_factor=4, mode="bicubic", antialias=True, align_corners=False)
        inside = slice(self.margin, -self.margin)
        return wide[..., inside, inside], low[..., inside, inside]


class Up1024(Up256):
    """256 to 1024, likewise."""

    sizes = {1024: 832}
    size, channels, name = 1024, networks.UP1024_CHANNELS, "up1024"


def corrupt(low: torch.Tensor) -> torch.Tensor:
    """A blur of its own width in half of the rows, then noise up to 0.08 in most."""
    count, device = len(low), low.device
    deviation = 0.3 + 0.7 * torch.rand(count, 1, device=device)
    kernel = (-(torch.arange(-2, 3, device=device) / deviation) ** 2 / 2).exp()
    kernel = kernel / kernel.sum(1, keepdim=True)
    middle = torch.tensor([0.0, 0, 1, 0, 0], device=device)
    kernel = torch.where(torch.rand(count, 1, device=device) < 0.5, kernel, middle).repeat_interleave(3, 0)
    rows = F.pad(low, (2, 2, 2, 2), mode="replicate").flatten(0, 1)[None]
    rows = F.conv2d(rows, kernel[:, None, None, :], groups=3 * count)
    low = F.conv2d(rows, kernel[:, None, :, None], groups=3 * count)[0].unflatten(0, (count, 3))
    noise = (torch.rand(count, 1, 1, 1, device=device) * 0.12 - 0.04).clamp(min=0)
    return (low + noise * torch.randn_like(low)).clamp(-1, 1)


class JudgeStage(Stage):
    """The evaluation's classifier: true renders only, faintly blurred and noisy, never generated pictures.

    It knows every combination: what is measured is the model on those that its training left out, and a judge
    for whom they are new too misnames good drawings of them."""

    batch, wide, rate = 32, 512, 1e-3
    every = True

    def __init__(self, state, options):
        super().__init__(state, options)
        self.networks["judge"] = Judge(len(self.things))

    def loss(self, count):
        scenes, _ = self.pool.take(count)
        with self.autocast():
            features = self.networks["judge"].trunk(corrupt(self.painters[64].draw(scenes)))
        return naming(self.networks["judge"].heads, features.float(), targets(scenes))


STAGES = {"clip": Clip, "prior": Prior, "decoder": Decoder, "up256": Up256, "up1024": Up1024,
          "judge": JudgeStage}
