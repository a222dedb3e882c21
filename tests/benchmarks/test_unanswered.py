"""A network that gives no answer gets nothing right, in every benchmark, and the card says so."""

import json

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.conftest import MODEL, SMALL
from tradeoffs.attacks import gradient_masking
from tradeoffs.benchmarks import adversarial, imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.benchmarks.evaluate import step
from tradeoffs.benchmarks.unanswered import Watched, unanswered
from tradeoffs.compute import batching
from tradeoffs.models.answers import NOT_FINITE, TIED
from tradeoffs.step.command import execute
from tradeoffs.step.errors import InputError

BY_LOGITS = [imagenet, imagenet9, objectnet, salient_imagenet, adversarial]
BY_FEATURES = [rival10, waterbirds]
CHANGES = {rival10: {"linf_levels": [0.2], "l2_levels": [5.0]}, adversarial: {"steps": 3}}


class Changed(nn.Module):
    """A network whose logits and features are changed by a function of them and of the images."""

    def __init__(self, network, change, features=None):
        super().__init__()
        self.network, self.change, self.change_features = network, change, features or change

    def forward(self, x):
        return self.change(self.network(x), x)

    def features(self, x):
        return self.change_features(self.network.features(x), x)


def bright(x):
    return x.mean((1, 2, 3)) > 0.5


def evaluate(small, benchmark, change, features=None):
    world = small._replace(network=Changed(small.network, change, features))
    return world.evaluate(benchmark, **CHANGES.get(benchmark, {}))


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("benchmark", BY_LOGITS)
def test_logits_that_are_never_finite_are_one_clear_line(small, benchmark, value):
    """Of one class is enough."""

    def spoilt(out, x):
        return torch.cat([out[:, :-1], torch.full_like(out[:, -1:], value)], 1)

    with pytest.raises(
        InputError, match=r"logits are not finite \(NaN or infinite\) on (\d+) of \1 unchanged"
    ) as raised:
        evaluate(small, benchmark, spoilt)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("benchmark", BY_FEATURES)
def test_features_that_are_not_finite_are_one_clear_line(small, benchmark):
    with pytest.raises(InputError, match="not finite"):
        evaluate(small, benchmark, lambda out, x: out * torch.nan)


@pytest.mark.parametrize("benchmark", BY_LOGITS)
def test_images_whose_logits_are_not_finite_are_wrong_and_counted(small, benchmark, capfd):
    def spoilt(out, x):
        return out.masked_fill(bright(x)[:, None] & (torch.arange(10) == 7), torch.nan)

    result, whole = evaluate(small, benchmark, spoilt), evaluate(small, benchmark, lambda out, x: out)
    said = result.remarks["unanswered"]
    assert 0 < said["not_finite"] < said["images"]
    assert whole.remarks["unanswered"]["not_finite"] == 0
    assert "no answer, counted as wrong" in capfd.readouterr().err
    for name, hit in result.outcomes.items():
        if hit.dtype == bool and "adversarial" not in name:  # an attack draws other starts where others have left
            assert not (hit & ~whole.outcomes[name]).any(), name
    if benchmark is imagenet:
        folders = sorted((small.root / "imagenet/val").iterdir())
        lost = np.array([bool(bright(small.pixels(path, "imagenet"))) for f in folders for path in sorted(f.iterdir())])
        assert said == {"images": len(lost), "not_finite": lost.sum(), "tied": 0}
        np.testing.assert_array_equal(result.outcomes["correct"], whole.outcomes["correct"] & ~lost)


def test_a_logit_of_a_class_that_is_not_shared_takes_the_answer_of_both_protocols():
    mapping = torch.tensor([0, -1, 1])
    logits = torch.tensor([[0.0, 1.0, 2.0], [0.0, 5.0, 2.0], [0.0, torch.inf, 2.0]])
    assert objectnet.predictions(logits, mapping).tolist() == [[1, 1], [-1, 1], [NOT_FINITE, NOT_FINITE]]


def test_features_that_are_not_finite_in_the_test_split_alone_are_wrong_and_counted(small):
    for benchmark in BY_FEATURES:
        calls = []
        name = benchmark.__name__.rpartition(".")[2]
        train = len(getattr(benchmark, name).read(small.root / name, "train").paths)

        def spoilt(out, x, calls=calls, train=train):
            calls.append(len(x))
            # The training images come first.
            return out if sum(calls) <= train else out.masked_fill((torch.arange(len(x)) == 0)[:, None], torch.nan)

        result = evaluate(small, benchmark, lambda out, x: out, spoilt)
        assert result.remarks["unanswered"]["not_finite"] >= 1
        assert all(np.isfinite(metric["value"]) for metric in result.metrics.values())
        assert not result.outcomes["clean" if benchmark is rival10 else "correct"][0]


@pytest.mark.parametrize("benchmark", BY_LOGITS)
def test_a_network_that_always_answers_the_same_way_on_every_class_gets_nothing_right(small, benchmark):
    """It got the images of class 0 right, a tenth."""
    result = evaluate(small, benchmark, lambda out, x: 0 * out)
    for name, metric in result.metrics.items():
        if "accuracy" in name:
            assert metric["value"] == 0, name
    said = result.remarks["unanswered"]
    assert said["tied"] == said["images"]


def test_nan_that_comes_with_an_attack_is_no_robustness_and_is_suspected(small):
    known = []

    def once_attacked(out, x):
        if not torch.is_grad_enabled() and not known:  # the first pass, over the images themselves
            known.append(x.clone())
        clean = (x[:, None] == known[0]).flatten(2).all(2).any(1)
        return torch.where(clean[:, None], out, torch.nan)

    result = evaluate(small, adversarial, once_attacked)
    for name, metric in result.metrics.items():
        if "margin" not in name:  # a distance has either sign
            assert (metric["value"] > 0) == ("adversarial" not in name), name
    said = " ".join(result.remarks["suspicion"])
    assert "logits or gradients that are not finite" in said
    assert "logits that are not finite at 0." in said
    assert result.remarks["unanswered"]["not_finite"] == 0
    assert 0.3 < result.remarks["unanswered"]["share_of_attack_not_finite"] < 1


def test_a_sound_network_is_said_to_answer_everything(small):
    remarks = small.evaluate(adversarial).remarks
    assert remarks["unanswered"] == {"images": 60, "not_finite": 0, "tied": 0, "share_of_attack_not_finite": 0}
    assert remarks["masking"]["not_finite"] == 0
    remarks = small.evaluate(imagenet9).remarks
    assert remarks["unanswered"] == {"images": 60, "not_finite": 0, "tied": 0, "share_of_challenge_not_finite": 0}


def one_class(out, x):
    return 0 * out + torch.eye(10)[0]


def test_nan_on_a_pasted_background_fells_a_foreground(small):
    clean = evaluate(small, imagenet9, one_class)
    assert clean.outcomes["challenge"].any()
    variants = list((small.root / "imagenet9/bg_challenge").rglob("*.JPEG"))
    seen = torch.cat([small.pixels(path, "imagenet9") for path in variants])

    def when_pasted(out, x):
        known = torch.stack([(one == seen).flatten(1).all(1).any() for one in x])
        return torch.where(known[:, None], one_class(out, x), torch.nan)

    result = evaluate(small, imagenet9, when_pasted)
    assert not result.outcomes["challenge"].any()
    assert result.metrics["challenge_accuracy"]["value"] == 0
    assert result.remarks["unanswered"]["not_finite"] == 0
    assert result.remarks["unanswered"]["share_of_challenge_not_finite"] == 1


def test_counts_are_of_images_not_of_passes():
    found = np.array([[1, NOT_FINITE, NOT_FINITE], [TIED, 0, 0], [NOT_FINITE, TIED, 2], [3, 3, 3]])
    assert unanswered(found[:, 0], found) == {"unanswered": {"images": 4, "not_finite": 2, "tied": 2}}
    assert unanswered(np.array([0, -1, 5])) == {"unanswered": {"images": 3, "not_finite": 0, "tied": 0}}
    nearly = np.where(np.arange(100) < 94, NOT_FINITE, 0)
    assert unanswered(nearly)["unanswered"]["not_finite"] == 94
    with pytest.raises(InputError, match="95 of 100 unchanged images"):
        unanswered(np.where(np.arange(100) < 95, NOT_FINITE, 0))


def test_a_watched_network_is_itself():
    watched = Watched(lambda x: x.log())
    assert watched.share() == 0
    x = torch.tensor([[1.0, 2.0], [0.0, 1.0], [-1.0, 0.0], [3.0, 3.0]])
    torch.testing.assert_close(watched(x), x.log(), equal_nan=True)
    watched(x[:1])
    assert watched.share() == pytest.approx(2 / 5)


@pytest.mark.parametrize("pixels", [32 * 32 * 7, 32 * 32 * 500])
@pytest.mark.parametrize("most", [9, 50])
def test_masking_is_looked_for_in_all_of_the_first_domain_whatever_the_block(small, monkeypatch, pixels, most):
    monkeypatch.setattr(batching, "_ATTACKED_PIXELS", {"cpu": pixels})
    monkeypatch.setattr(adversarial, "IMAGES", most)
    checked, budgets = [], set()

    def kept(logits, x, labels, withstood, **settings):
        checked.extend(zip(x, labels.tolist(), *(stood.tolist() for stood in withstood.values()), strict=True))
        budgets.update(withstood)
        assert len(x) <= pixels // 32**2
        return gradient_masking.Signs(0.0, 1.0, 0.0, 0.0)

    monkeypatch.setattr(adversarial, "signs", kept)
    result = small.evaluate(adversarial, domains={"other": "val_decorrelated", "kept": "val"})  # the first by name
    assert sorted(budgets) == [("l2", 3.0), ("linf", pytest.approx(16 / 255))]
    paths = sorted((small.root / "imagenet/val").rglob("*.JPEG"))
    paths = [paths[i] for i in np.linspace(0, len(paths) - 1, 30).astype(int)]
    correct = np.flatnonzero(result.outcomes["accuracy_kept"])
    expected = correct[np.linspace(0, len(correct) - 1, min(most, len(correct))).astype(int)]
    assert len(checked) == len(expected) == min(most, len(correct)) > 7
    for (x, label, linf, l2), i in zip(checked, expected, strict=True):
        torch.testing.assert_close(x[None], small.pixels(paths[i], "imagenet"))
        assert label == int(paths[i].parent.name[-1])
        assert linf == result.outcomes["adversarial_accuracy_kept_linf_eps16"][i]
        assert l2 == result.outcomes["adversarial_accuracy_kept_l2_eps3"][i]
    assert result.remarks["masking"]["unbounded_accuracy"] == 1


class Told(nn.Module):
    """A network that answers each pass over the images as it is told: logits, or features, in the order of passes.

    A pass over fewer images has the first of the answers. What is asked of single images after these is answered with
    the first class.
    """

    def __init__(self, passes):
        super().__init__()
        self.passes = [nn.functional.one_hot(torch.as_tensor(found), 10).float() for found in passes]

    def forward(self, x):
        return self.passes.pop(0)[: len(x)] if self.passes else torch.eye(10)[0].expand(len(x), -1)

    features = forward


@pytest.mark.parametrize(("lost", "saturated"), [(0, True), (1, False)])
def test_a_gap_of_an_accuracy_of_exactly_1_is_said_to_be_saturated(small, lost, saturated):
    """RCS: a third of the images fall to noise in the core; to noise outside it, none, or one."""
    labels = small.evaluate(salient_imagenet).outcomes["label"]
    other = (labels + 1) % 10
    core = np.where(np.arange(len(labels)) % 3 == 0, other, labels)
    outside = np.where(np.arange(len(labels)) < lost, other, labels)
    result = small._replace(network=Told([labels, core, outside, labels, labels])).evaluate(salient_imagenet, trials=1)
    value = {name: metric["value"] for name, metric in result.metrics.items()}
    assert (value["core_accuracy"] == 1) == saturated
    assert (value["rcs"] == pytest.approx(1)) == saturated
    assert [text.split(":")[0] for text in result.remarks["saturated"]] == (["rcs"] if saturated else [])


def test_each_saturated_rfs_is_said_and_no_other(small):
    """Background accuracy 1 at both levels of one noise; at none of the other."""
    test = small.evaluate(rival10).outcomes["label"]
    train = rival10.rival10.read(small.root / "rival10", "train").labels
    third = np.where(np.arange(len(test)) % 3 == 0, (test + 1) % 10, test)
    half = np.where(np.arange(len(test)) % 2 == 0, (test + 1) % 10, test)
    passes = [train, test, third, test, half, test, third, half]
    result = small._replace(network=Told(passes)).evaluate(rival10)
    said = [text.split(":")[0] for text in result.remarks["saturated"]]
    assert said == ["rfs_linf_0.2", "rfs_linf_0.5", "rfs_linf"]
    assert all(result.metrics[name]["value"] == pytest.approx(1) for name in said)
    assert abs(result.metrics["rfs_l2"]["value"]) < 0.9


def test_a_relative_drop_from_nothing_is_said_to_be_no_measurement(small):
    assert small.evaluate(objectnet).remarks["saturated"] == []
    # A class without a counterpart in ObjectNet: no validation image is of it.
    result = evaluate(small, objectnet, lambda out, x: out * 0 + torch.eye(10)[8])
    names = [text.split(":")[0] for text in result.remarks["saturated"]]
    assert names == ["relative_drop_official", "relative_drop_restricted"]


def test_the_card_says_what_was_not_answered(small, weights, tmp_path):
    spec = MODEL | SMALL["imagenet"]
    card = tmp_path / "card.json"
    arguments = ["--spec", json.dumps(spec), "--weights", str(weights), "--card", str(card)]
    arguments += ["--outcomes", str(tmp_path / "o.npz"), "--data", f"imagenet={small.root / 'imagenet'}"]
    execute(step("imagenet"), "evaluate imagenet", arguments)
    said = json.loads(card.read_text())["unanswered"]
    images = list((small.root / "imagenet/val").rglob("*.JPEG"))
    assert said == {"images": len(images), "not_finite": 0, "tied": 0}
