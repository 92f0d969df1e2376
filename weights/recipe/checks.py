"""Checks of the recipe's own arithmetic, without training: python weights/recipe/checks.py."""

import math
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import torch
import torch.nn.functional as F

import export
import networks
import restore
import scenes
import train
from captions import CHINESE, ENGLISH, Scene, caption
from cascade import Cascade, Noise
from diffusion import Schedule
from evaluate import edge_width, marks, questions
from judge import targets
from sprites import atlas
from state import averaged, file, saved
from vocabulary import SHIPPED, table, things
from words import LENGTH, Words, build

CPU = torch.device("cpu")


def check_names_are_unique() -> None:
    names = [name for thing in table() for name in (*thing.english, *thing.chinese)]
    assert len(names) == len(set(names))


def check_captions_fit(folder: Path) -> None:
    """No caption is longer than the text tower's context."""
    build(folder / "tokenizer")
    words, rng, vocabulary = Words(folder / "tokenizer"), random.Random(2), things()
    drawn = [scenes.training_scene(rng, len(vocabulary)) for _ in range(3000)]
    texts = [caption(scene, vocabulary, rng, rng.choice((ENGLISH, CHINESE))) for scene in drawn]
    rows = words(texts).long()
    assert words.mask(rows).sum(1).max() < LENGTH, "a caption may be cut off"


def check_prompts_are_held_out() -> None:
    """No prompt's combination is in training under other words, every object is asked for as often as
    another, and training shows all the rest."""
    rng = random.Random(3)
    asked, prompts = questions(SHIPPED)
    learned = [scenes.training_scene(rng, SHIPPED) for _ in range(30_000)]
    grounds = {(scene.first, scene.background) for scene in learned if scene.second < 0}
    pairs = {picture(scene) for scene in learned if scene.second >= 0}
    alone = [scene for scene in asked if scene.second < 0]
    assert len(prompts) == len(asked) == 400 and len(alone) == 200
    assert not any((scene.first, scene.background) in grounds for scene in alone)
    assert not any(picture(scene) in pairs for scene in asked if scene.second >= 0)
    times = Counter(scene.first for scene in alone)
    assert len(times) == SHIPPED and max(times.values()) - min(times.values()) <= 2
    assert len(grounds) == SHIPPED * 9 and len(pairs) > 0.9 * SHIPPED * (SHIPPED - 1) * 2


def picture(scene: Scene) -> tuple[int, int, bool]:
    """What a picture of two shows, whichever is named first: the left or upper one, the other, whether one is
    above the other."""
    ends = (scene.second, scene.first) if scene.relation in (1, 3) else (scene.first, scene.second)
    return *ends, scene.relation > 1


def check_drawing(folder: Path) -> None:
    """A small picture is the mean of the larger one's pixels, and a window is a part of its picture."""
    vocabulary = things(6)
    fields = torch.tensor([Scene(0, -1, -1, 0, 3), Scene(1, 2, 0, 0, 7), Scene(3, -1, -1, 2, 0)])
    placed = scenes.place(fields)
    large = scenes.Painter(atlas(vocabulary, folder / "sprites", 208), 256)
    small = scenes.Painter(atlas(vocabulary, folder / "sprites", 208), 64)
    whole = large.draw(placed)
    assert (F.avg_pool2d(whole, 4) - small.draw(placed)).abs().max() < 1e-4
    window = large.draw(placed, torch.full((3, 2), 64), 128)
    assert (window - whole[:, :, 64:192, 64:192]).abs().max() < 1e-5


def check_patches() -> None:
    """An object of the usual size lies under the four patches in the middle, two side by side on their sides."""
    placed = scenes.place(torch.tensor([Scene(4, -1, -1, 0, 3), Scene(1, 2, 0, 0, 7)]))
    alone, beside = placed.under(16).view(2, 4, 4)
    assert (alone[1:3, 1:3] == 4).all() and alone[0, 0] == alone[3, 3] == -1
    assert (beside[1:3, 0] == 1).all() and (beside[1:3, 3] == 2).all() and beside[0, 0] == -1


def check_places() -> None:
    """Objects stay inside their picture, on the grid, and two of them apart in the order that is asked for."""
    kinds = [Scene(4, -1, -1, size, 3) for size in range(3)] + [Scene(1, 2, way, 0, 7) for way in range(4)]
    placed = scenes.place(torch.tensor(kinds).repeat(200, 1))
    side, centre = placed.boxes[..., :1], placed.boxes[..., 1:]
    assert (centre - side / 2 >= 0).all() and (centre + side / 2 <= 64).all()
    assert (centre % scenes.GRID == 0).all()
    apart = (centre[:, 1] - centre[:, 0]).unflatten(0, (200, -1))[:, 3:]
    for way, sign in enumerate((1, -1, 1, -1)):
        assert (apart[:, way, way // 2] * sign >= scenes.SIDES[scenes.PAIR]).all()


def check_times() -> None:
    """All noise levels come, by either way of drawing them; the middle ones more often by one."""
    schedule = Schedule(CPU)
    even, centred = (schedule.times(4000, centred=way) for way in (False, True))
    for times in (even, centred):
        assert 0 <= times.min() < 50 and 950 < times.max() < 1000
    middle = [((times > 300) & (times < 850)).float().mean() for times in (even, centred)]
    assert middle[0] < 0.57 and middle[1] > 0.64


def check_schedule() -> None:
    """Our tables are the sampler's, and the sampler returns what a network that knows the answer says."""
    schedule = Schedule(CPU)
    for scheduler in networks.schedulers().values():
        assert torch.allclose(schedule.kept, scheduler.alphas_cumprod, atol=1e-6)
    truth = torch.rand(2, 3, 8, 8) * 2 - 1
    cascade = Cascade.__new__(Cascade)
    cascade.device, cascade.schedulers = CPU, networks.schedulers()
    for stage, scheduler, output in (("base64", "decoder_scheduler", torch.cat([truth, truth * 0], 1)),
                                     ("up256", "super_res_scheduler", truth)):
        cascade.stages = {stage: {"scheduler": scheduler, "steps": 7}}
        sample = cascade.sample(stage, Noise([1, 2], CPU), (3, 8, 8), lambda x, t, o=output: o)
        assert (sample - truth).abs().max() < 1e-3


def check_middle() -> None:
    """The first half of a pass ends where the whole pass comes by."""
    decoder, seen = networks.decoder().eval(), []
    noisy, t = torch.randn(2, 3, 64, 64), torch.tensor([900, 100])
    told = {"encoder_hidden_states": torch.randn(2, 7, networks.CONTEXT),
            "class_labels": torch.randn(2, 4 * networks.DECODER_CHANNELS[0]),
            "attention_mask": torch.arange(7) < torch.tensor([[7], [5]])}
    with torch.no_grad(), decoder.mid_block.register_forward_hook(lambda *call: seen.append(call[-1])):
        decoder(noisy, t, **told)
        half = networks.middle(decoder, noisy, t, **told)
    assert len(seen) == 2 and torch.allclose(half, seen[0], atol=1e-4)


def check_variance_loss() -> None:
    """Nothing is left to learn where the predicted picture is right and the variance is the lower bound's; a
    wrong picture asks for more variance; what lies outside the bounds is pulled back."""
    schedule, t = Schedule(CPU), torch.tensor([0, 1, 10, 500, 999])
    torch.manual_seed(1)
    clean = (0.1 + 0.9 * torch.rand(5, 3, 4, 4)).copysign(torch.randn(5, 3, 4, 4))  # none nearly 0
    lower, middle = torch.full_like(clean, -1), torch.zeros_like(clean, requires_grad=True)
    assert schedule.variance_loss(clean, clean, lower, t).abs().max() < 1e-4
    assert (schedule.variance_loss(clean, clean, -lower, t)[1:3] > 0).all()  # later the bounds meet
    assert (schedule.variance_loss(clean, clean, -3 * lower, t) > 3.9).all()
    schedule.variance_loss(clean, -clean, middle, t)[2].backward()
    assert (middle.grad[2] <= 0).all() and middle.grad[2].min() < 0


def check_marks() -> None:
    """The right answers score full marks; two objects in each other's place score for being there alone, one
    that came twice for nothing."""
    fields = torch.tensor([Scene(0, -1, -1, 1, 3), Scene(1, 2, 0, 0, 7), Scene(1, 2, 3, 0, 7)])
    right = targets(scenes.place(fields))
    full = marks(right, right)
    assert all(mark.nanmean() == 1 for mark in full.values())
    crossed = right | {"first": right["second"], "second": right["first"]}
    found = marks(crossed, right)
    assert found["both objects"].nanmean() == 1 and found["relation"].nanmean() == 0
    found = marks(right | {"second": right["first"]}, right)
    assert found["both objects"].nanmean() == 0 and found["relation"].nanmean() == 0


def check_edges() -> None:
    """A blurred step is as wide as its blur."""
    step = (torch.arange(256) >= 128).float().expand(1, 3, 256, 256) * 2 - 1
    wide = F.avg_pool2d(F.pad(step, (4, 4, 0, 0), mode="replicate"), (1, 9), 1)
    assert edge_width(step) < 1.1 and 8.5 < edge_width(wide) < 9.5


def check_resuming(folder: Path) -> None:
    """A run that was stopped and taken up again ends in the weights of one that was not."""
    ends = []
    for name, stop in (("whole", 99), ("stopped", 2)):
        chosen = train.options(["clip", "--smoke", "--device", "cpu", "--work", str(folder / name)])
        chosen.state.mkdir(parents=True)
        run = train.Run("clip", chosen)
        while run.seen < run.budget:
            run.once()
            if run.step == stop:
                run.save()
                run = train.Run("clip", chosen)
        ends.append(torch.cat([weights.flatten() for weights in run.averages.parameters()]))
    assert torch.equal(*ends)


def check_phases(folder: Path) -> None:
    """The decoder at 64 begins with the averages of that at 32 and counts its own pictures; a stop is saved; a
    state of other objects is refused."""
    line = ["decoder", "--smoke", "--device", "cpu", "--work", str(folder / "phases")]
    small, large = train.options([*line, "--side", "32"]), train.options(line)
    small.state.mkdir(parents=True)
    shutil.copy(folder / "stopped" / "state" / "clip.pt", small.state)
    first = train.Run("decoder", small)
    first()
    second = train.Run("decoder", large)
    assert second.seen == 0 and second.done == {"decoder --side 32": 12}
    assert all(map(torch.equal, first.averages.parameters(), second.stage.networks.parameters()))
    second.stop()
    assert "stopped and saved" in ending(second)
    assert not saved(large.state, "decoder")["finished"]
    large.objects = 5
    assert "learned 4 objects" in ending(lambda: train.Run("decoder", large))


def check_restoring(folder: Path) -> None:
    """A decoder goes on from a model folder's weights with a fresh head; a state that is there stays, and
    none is written where another stage's network is missing."""
    line = ["decoder", "--smoke", "--device", "cpu", "--work", str(folder / "restored")]
    model, chosen = folder / "model", train.options(line)

    def restored(*stages: str):
        return restore.restore(model, chosen.state, [*stages], chosen.objects)
    assert "holds no tokenizer" in ending(lambda: restored("clip"))
    build(model / "tokenizer")
    parts = export.components(Words(model / "tokenizer"))
    for name in ("text_encoder", "image_encoder", "decoder", "text_proj"):
        parts[name][0].half().save_pretrained(model / name)
    assert "no whole" in ending(lambda: restored("clip", "up256"))
    told = model / export.SEEN
    told.write_text("{")
    assert "no JSON" in ending(lambda: restored("clip"))
    told.write_text('{"decoder": {"decoder --side 32": 8, "decoder": 4}}')
    assert "restore clip as well" in ending(lambda: restored("decoder"))
    assert not chosen.state.exists()
    restored("clip", "decoder")
    run = train.Run("decoder", chosen)
    for key, name in (("decoder", "decoder"), ("projection", "text_proj")):
        given = [weights.float() for weights in parts[name][0].parameters()]
        assert all(map(torch.equal, run.stage.networks[key].parameters(), given))
        assert all(map(torch.equal, run.averages[key].parameters(), given))
    assert run.seen == 4 and math.isfinite(run.once())
    run.save()
    assert "places" in saved(chosen.state, "decoder")["average"]
    before = file(chosen.state, "decoder").read_bytes()
    assert "already there" in ending(lambda: restored("clip", "decoder"))
    assert file(chosen.state, "decoder").read_bytes() == before
    assert "has no heads" in ending(lambda: averaged(chosen.state, "clip", "heads"))


def ending(run) -> str:
    """What a run that ends early says."""
    try:
        run()
    except SystemExit as end:
        return str(end)
    return ""


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        check_names_are_unique()
        check_captions_fit(folder)
        check_prompts_are_held_out()
        check_drawing(folder)
        check_patches()
        check_resuming(folder)
        check_phases(folder)
        check_restoring(folder)
        check_places()
        check_times()
        check_schedule()
        check_middle()
        check_variance_loss()
        check_marks()
        check_edges()
    print("recipe: all checks passed")


if __name__ == "__main__":
    main()
