"""The CLIP tokenizer's files: byte-level pairs learned from the vocabulary's own words."""

import json
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer

from captions import CHINESE
from vocabulary import BACKGROUNDS, FILLERS, RELATION_WORDS, SIZE_WORDS, table

LENGTH = 32
PIECES = 3072
START, END, PAD = "<|startoftext|>", "<|endoftext|>", "!"


def corpus() -> list[str]:
    """Words and terms with weights by repetition. Chinese has no spaces, and a piece inside a sentence
    differs from one at its end; so a Chinese term also stands before a Latin letter, as in no sentence."""
    english = ["background", "picture", "on", "a", "an", "of", "the"] * 4
    chinese = ["背景", "背景上", "一个", "在", "的", "上的"] * 4
    for thing in table():
        english += [word for name in thing.english for word in name.split()]
        chinese += thing.chinese
    for names in BACKGROUNDS:
        english, chinese = english + [*names.english], chinese + [*names.chinese]
    for words in (*RELATION_WORDS, *SIZE_WORDS.values(), FILLERS):
        english += [word for name in words[0] for word in name.split()]
        chinese += words[CHINESE]
    followed = [term + letter for term in chinese for letter in "qxzv"]
    return english * 4 + chinese * 4 + followed


def build(folder: Path) -> None:
    """Writes vocab.json, merges.txt and tokenizer_config.json, in CLIP's order of identifiers."""
    pieces = Tokenizer(models.BPE(unk_token=END, end_of_word_suffix="</w>"))
    pieces.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    split = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    pieces.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(split, "removed", invert=True),
        pre_tokenizers.ByteLevel(add_prefix_space=False)])
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = trainers.BpeTrainer(
        vocab_size=PIECES, initial_alphabet=alphabet, min_frequency=4, end_of_word_suffix="</w>",
        special_tokens=[], show_progress=False)
    pieces.train_from_iterator(corpus(), trainer)
    pairs = [pair if isinstance(pair, list) else pair.split(" ")
             for pair in json.loads(pieces.to_str())["model"]["merges"]]
    alphabet.remove(PAD)
    names = [PAD, *alphabet, PAD + "</w>", *(letter + "</w>" for letter in alphabet)]
    names = [*dict.fromkeys([*names, *(left + right for left, right in pairs)]), START, END]
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({name: index for index, name in enumerate(names)}, ensure_ascii=False)
    (folder / "vocab.json").write_text(text, encoding="utf-8")
    merges = ["#version: 0.2", *(f"{left} {right}" for left, right in pairs)]
    (folder / "merges.txt").write_text("\n".join(merges) + "\n", encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "tokenizer_class": "CLIPTokenizer", "model_max_length": LENGTH, "bos_token": START, "eos_token": END,
        "unk_token": END, "pad_token": PAD, "do_lower_case": True, "errors": "replace",
        "add_prefix_space": False}))


class Words:
    """The tokenizer of a folder, with the two identifiers that the text tower needs."""

    def __init__(self, folder: Path):
        if not (folder / "vocab.json").exists():
            raise SystemExit(f"{folder} holds no tokenizer: train the stage 'clip' first.")
        self.tokenizer = CLIPTokenizer.from_pretrained(folder)
        self.count = len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))
        self.start, self.end = self.count - 2, self.count - 1

    def __call__(self, texts: list[str]) -> torch.Tensor:
        """int16 [texts, LENGTH], padded with 0."""
        rows = self.tokenizer(texts, padding="max_length", max_length=LENGTH, truncation=True)
        return torch.tensor(rows["input_ids"], dtype=torch.int16)

    def mask(self, tokens: torch.Tensor) -> torch.Tensor:
        """bool [n, LENGTH]: true from the start token to the end token."""
        return (tokens == self.end).cumsum(1) - (tokens == self.end).long() == 0
