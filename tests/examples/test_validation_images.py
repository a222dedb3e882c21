"""Images of ImageNet's layout: the same digit in three domains, pictures made against a network, names of classes."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from examples.conftest import MODELS, Study
from examples.test_examples import pixels, place_of
from tradeoffs.examples.classes import class_names
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.errors import InputError

IDS = [model["id"] for model in MODELS]
BUDGET = 16  # in 1/255: the middle one of the test's


def chances(study, model, shown, label):
    """The probability of a class in a picture [h, w, 3], by a pass of its own."""
    network = load(study.root / "models" / model / "weights.pt", "basic", 10, torch.device("cpu"))
    with torch.no_grad():
        found = network(torch.from_numpy(shown / 255).float().permute(2, 0, 1)[None]).softmax(1)
    return float(found[0, label])


def test_an_attacked_picture_is_within_the_budget_and_fools_the_network_that_it_was_made_against(study, pages):
    names = class_names(study.data / "imagenet", "val", 10)
    places = place_of(study, "adversarial")
    lost, pictures = [], set()
    for image in pages["adversarial"]["images"]:
        (clean,) = (pixels(picture["data"]).astype(int) for picture in image["pictures"])
        for model in IDS:
            attacked, difference = image["made"][model]
            change = pixels(attacked["data"]) - clean
            assert 0 < np.abs(change).max() <= BUDGET
            magnified = pixels(difference["data"]).astype(int)
            assert magnified.max() == 255 or magnified.min() == 0
            assert ((magnified > 127) == (change > 0))[change != 0].all()
            before, after = image["answers"][model]
            assert (before["picture"], after["picture"]) == ("image", attacked["what"])
            label = names.index(image["class"])
            assert after["probability"] == pytest.approx(
                chances(study, model, pixels(attacked["data"]), label),
                abs=0.1,  # of rounding to 8 bits
            )
            outcome = study.outcomes("adversarial", model)[f"adversarial_accuracy_broken_linf_eps{BUDGET}"]
            assert after["recorded"] == bool(outcome[places[image["id"]]])
            lost.append(before["probability"] - after["probability"])
            pictures.add(attacked["data"])
    assert attacked["what"] == f"attacked, ℓ∞ {BUDGET}/255"
    assert np.mean(lost) > 0.1
    assert len(pictures) == len(lost)  # each network has its own


def test_the_same_digit_is_shown_in_three_domains(study, pages):
    for image in pages["shifted_correlation"]["images"]:
        shown = [pixels(picture["data"]) for picture in image["pictures"]]
        for folder, picture in zip(("val", "val_decorrelated", "val_reversed"), shown, strict=True):
            with Image.open(study.data / "imagenet" / folder / image["id"].partition("/")[2]) as stored:
                assert np.array_equal(picture, np.asarray(stored.convert("RGB")))


def evaluated(study, root, benchmark, data, **changes):
    """The study with an evaluation of its first model on other data, with other settings."""
    (root / "models").symlink_to(study.root / "models")
    card = root / f"evaluations/{benchmark}/{IDS[0]}.json"
    spec = json.dumps(study.card(benchmark, IDS[0])["spec"] | changes)
    weights = str(study.root / "models" / IDS[0] / "weights.pt")
    words = ["evaluate", benchmark, "--spec", spec, "--weights", weights, "--data", f"imagenet={data}"]
    assert commands.main([*words, "--card", str(card), "--outcomes", str(card.with_suffix(".npz"))]) == 0
    return Study(data.parent, root)


def test_a_digit_that_cannot_be_read_in_one_domain_is_in_none_and_the_others_keep_their_answers(
    study, pages, copy_of, tmp_path
):
    data = copy_of("imagenet")
    first = pages["shifted_correlation"]["images"][0]["id"]
    (data / "val_reversed" / first.partition("/")[2]).write_bytes(b"no image")
    other = evaluated(study, tmp_path, "shifted_correlation", data, unreadable="skip")
    found = other.show("shifted_correlation", tmp_path / "out", models=MODELS[:1])
    assert {reason["of"] for reason in found["reasons"]} == {29}
    assert first not in {image["id"] for image in found["images"]}
    for image in found["images"]:
        for answer in image["answers"][IDS[0]]:
            assert answer["right"] == (answer["predicted"] == image["class"])


def test_without_a_budget_no_image_is_shown_under_attack(study, tmp_path):
    data = study.data / "imagenet"
    other = evaluated(study, tmp_path, "adversarial", data, budgets={"linf": []})
    found = other.show("adversarial", tmp_path / "out", models=MODELS[:1])
    assert "no budget of an attack" in found["remark"]
    for image in found["images"]:
        assert image["made"] == {}
        assert [answer["picture"] for answer in image["answers"][IDS[0]]] == ["image"]


def test_a_network_whose_weights_are_not_there_is_said_to_have_withstood_or_not(study, tmp_path):
    study.show("adversarial", tmp_path)
    out, empty = tmp_path / "local.html", tmp_path / "none"
    empty.mkdir()
    words = ["show", "adversarial", "--data", str(study.data / "imagenet"), "--out", str(out), "--models", str(empty)]
    words += ["--evaluations", str(study.root / "evaluations"), "--page", str(tmp_path / "adversarial.json")]
    assert commands.main(words) == 0
    text = out.read_text()
    assert '"made":{"basic_standard":[],"basic_linf_eps8":[]}' in text
    assert '"predicted":null,"probability":null,"right":null,"recorded":' in text


def test_show_of_fewer_images_than_were_attacked_is_one_line(study, copy_of, tmp_path, capsys):
    study.show("adversarial", tmp_path)
    data = copy_of("imagenet")
    for folder in (data / "val_decorrelated").iterdir():
        for path in sorted(folder.iterdir())[2:]:
            path.unlink()
    words = ["show", "adversarial", "--data", str(data), "--evaluations", str(study.root / "evaluations")]
    words += ["--page", str(tmp_path / "adversarial.json"), "--out", str(tmp_path / "x.html")]
    assert commands.main(words) == 2
    error = capsys.readouterr().err
    assert "its outcomes are of 30 images, not of the 20 in" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "x.html").exists()


def test_classes_are_called_by_their_names_or_else_by_their_wnids(copy_of):
    root = copy_of("imagenet")
    assert class_names(root, "val", 10)[:3] == ["zero", "one", "two"]
    (root / "labels.json").write_text('{"0": "zero"}')
    with pytest.raises(InputError, match=r"labels\.json: does not name each of the 10 classes"):
        class_names(root, "val", 10)
    (root / "labels.json").unlink()
    assert class_names(root, "val", 10)[:2] == ["n00000000", "n00000001"]
