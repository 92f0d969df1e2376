"""Writes the trained state as a model folder: diffusers layout, f16 safetensors and cascade.json.

    python weights/recipe/export.py .train/state weights/emoji --version 3
"""

import argparse
import json
import shutil
from pathlib import Path

import diffusers

import networks
from arguments import number
from state import averaged, saved
from words import Words

STAGES = [
    {"name": "prior", "component": "prior", "scheduler": "prior_scheduler", "steps": 25, "guidance": 1.5},
    {"name": "base64", "component": "decoder", "scheduler": "decoder_scheduler", "steps": 25,
     "guidance": 2.0, "size": 64},
    {"name": "up256", "component": "super_res_first", "last_component": "super_res_first",
     "scheduler": "super_res_scheduler", "steps": 4, "size": 256},
    {"name": "up1024", "component": "super_res_1024", "scheduler": "super_res_scheduler", "steps": 2,
     "size": 1024}]

INDEX = {
    "_class_name": "UnCLIPPipeline", "_diffusers_version": diffusers.__version__,
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "text_encoder": ["transformers", "CLIPTextModelWithProjection"],
    "text_proj": ["unclip", "UnCLIPTextProjModel"],
    "prior": ["diffusers", "PriorTransformer"],
    "decoder": ["diffusers", "UNet2DConditionModel"],
    "super_res_first": ["diffusers", "UNet2DModel"], "super_res_last": ["diffusers", "UNet2DModel"],
    "prior_scheduler": ["diffusers", "UnCLIPScheduler"],
    "decoder_scheduler": ["diffusers", "UnCLIPScheduler"],
    "super_res_scheduler": ["diffusers", "UnCLIPScheduler"],
    "image_encoder": ["transformers", "CLIPVisionModelWithProjection"],
    "feature_extractor": ["transformers", "CLIPImageProcessor"]}

# Pictures to the image tower: 64×64, bicubic, [-1, 1].
FEATURES = {
    "image_processor_type": "CLIPImageProcessor", "do_convert_rgb": True, "do_resize": True,
    "do_center_crop": True, "do_rescale": True, "do_normalize": True, "resample": 3,
    "rescale_factor": 1 / 255, "size": {"shortest_edge": networks.BASE},
    "crop_size": {"height": networks.BASE, "width": networks.BASE},
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}


SEEN = "training.json"  # in the folder: the pictures that each stage has seen, by phase


def components(words: Words) -> dict:
    """Untrained networks by folder name, each with its stage and its name there."""
    return {
        "text_encoder": (networks.text_tower(words.count, words.start, words.end), "clip", "text"),
        "image_encoder": (networks.image_tower(), "clip", "image"),
        "prior": (networks.prior(), "prior", "prior"),
        "decoder": (networks.decoder(), "decoder", "decoder"),
        "text_proj": (networks.text_projection(), "decoder", "projection"),
        "super_res_first": (networks.upsampler(networks.UP256_CHANNELS, 256), "up256", "up256"),
        "super_res_1024": (networks.upsampler(networks.UP1024_CHANNELS, 1024), "up1024", "up1024"),
    }


def finished(state: Path) -> dict:
    """The trained networks by folder name, in f16."""
    parts = components(Words(state / "tokenizer"))
    for network, stage, key in parts.values():
        network.load_state_dict(averaged(state, stage, key))
    return {name: network.half() for name, (network, _, _) in parts.items()}


def seen(state: Path) -> dict:
    """The pictures that each exported stage has seen, by phase."""
    stages = dict.fromkeys(stage for _, stage, _ in components(Words(state / "tokenizer")).values())
    return {stage: saved(state, stage)["done"] for stage in stages}


def export(state: Path, folder: Path, version: int = 1) -> None:
    """Writes the folder; its name is the model's. Nothing is written where a stage's state is missing."""
    trained, pictures = finished(state), seen(state)
    folder.mkdir(parents=True, exist_ok=True)
    for name, network in trained.items():
        network.save_pretrained(folder / name)
        print(f"{name:16} {networks.parameters(network):6.2f} M parameters")
    for name, scheduler in networks.schedulers().items():
        scheduler.save_pretrained(folder / name)
    (folder / "feature_extractor").mkdir(exist_ok=True)
    features = folder / "feature_extractor" / "preprocessor_config.json"
    features.write_text(json.dumps(FEATURES, indent=2) + "\n")
    shutil.copytree(state / "tokenizer", folder / "tokenizer", dirs_exist_ok=True)
    (folder / "model_index.json").write_text(json.dumps(INDEX, indent=1) + "\n")
    cascade = {"format": 1, "name": folder.resolve().name, "version": version, "stages": STAGES}
    (folder / "cascade.json").write_text(json.dumps(cascade, indent=1) + "\n")
    (folder / SEEN).write_text(json.dumps(pictures, indent=1) + "\n")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 2**20:.1f} MiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("state", type=Path, help="training's state, such as .train/state")
    parser.add_argument("folder", type=Path, help="the model folder; its name is the model's")
    parser.add_argument("--version", type=number(0), default=1, help="the model's version, by default 1")
    chosen = parser.parse_args()
    export(chosen.state, chosen.folder, chosen.version)


if __name__ == "__main__":
    main()
