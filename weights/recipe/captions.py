"""Captions of a scene in English and Chinese, in the several ways that people write them."""

import random
from typing import NamedTuple

from vocabulary import BACKGROUNDS, FILLERS, RELATION_WORDS, SIZE_WORDS, Thing

ENGLISH, CHINESE = 0, 1


class Scene(NamedTuple):
    """What a caption says. `second` and `relation` are -1 where one object stands alone."""

    first: int
    second: int
    relation: int
    size: int
    background: int


def caption(scene: Scene, things: list[Thing], rng: random.Random, language: int, plain: bool = False) -> str:
    """One caption. `plain` keeps to the usual names and always names the background."""
    pick = (lambda words: words[0]) if plain else rng.choice
    writer = english if language == ENGLISH else chinese
    return writer(scene, things, rng, pick, plain)


def english(scene, things, rng, pick, plain) -> str:
    ground = pick(BACKGROUNDS[scene.background].english)
    subject = english_noun(things[scene.first], scene.size, rng, pick, plain)
    if scene.second >= 0:
        other = english_noun(things[scene.second], 0, rng, pick, plain)
        subject = f"{subject} {pick(RELATION_WORDS[scene.relation][0])} {other}"
    if not plain and rng.random() < 0.04:
        return subject
    return rng.choice((
        f"{subject} on a {ground} background",
        f"{subject}, {ground} background",
        f"{subject} on {ground}",
        f"{ground} background, {subject}",
        f"a picture of {subject} on a {ground} background",
    ))


def english_noun(thing, size, rng, pick, plain) -> str:
    words = [pick(thing.english)]
    if size:
        words.insert(0, pick(SIZE_WORDS[size][0]))
    if not plain and rng.random() < 0.06:
        words.insert(0, rng.choice(FILLERS[ENGLISH]))
    noun = " ".join(words)
    if noun.split()[-1] in ("cherries", "grapes", "books", "fries", "sunglasses"):
        return noun
    if not plain and rng.random() < 0.2:
        return noun
    return ("an " if noun[0] in "aeiou" and not noun.startswith("uni") else "a ") + noun


def chinese(scene, things, rng, pick, plain) -> str:
    ground = pick(BACKGROUNDS[scene.background].chinese)
    if not plain and rng.random() < 0.2:
        ground += "的"
    subject = chinese_noun(things[scene.first], scene.size, rng, pick, plain)
    if scene.second >= 0:
        other = chinese_noun(things[scene.second], 0, rng, pick, plain)
        place = pick(RELATION_WORDS[scene.relation][1])
        subject = f"{subject}在{other}{rng.choice(('的', ''))}{place}"
        forms = (f"{ground}背景上{subject}", f"{subject},{ground}背景", f"{ground}背景,{subject}")
    else:
        forms = (f"{ground}背景上的{subject}", f"一个{subject},{ground}背景", f"{subject},{ground}背景",
                 f"{ground}背景,{subject}")
    if not plain and rng.random() < 0.04:
        return subject
    return rng.choice(forms)


def chinese_noun(thing, size, rng, pick, plain) -> str:
    noun = pick(thing.chinese)
    if size:
        # 小猫 is a name of the cat, of whatever size: a small one is 小小的猫.
        noun = pick([word for word in SIZE_WORDS[size][1] if word + noun not in thing.chinese]) + noun
    if not plain and rng.random() < 0.06:
        noun = rng.choice(FILLERS[CHINESE]) + noun
    return noun
