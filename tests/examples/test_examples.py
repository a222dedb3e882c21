"""What is shown of a benchmark's images is what its evaluations say of them."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.conftest import SETS, SMALL
from examples.conftest import MODELS, SHOWN, Study
from tradeoffs.benchmarks.waterbirds import GROUPS
from tradeoffs.data import imagenet, imagenet9, objectnet, rival10, salient_imagenet, waterbirds
from tradeoffs.data.listing import spread
from tradeoffs.runner import commands
from tradeoffs.step.cards import check, digests, write_card
from tradeoffs.step.errors import InputError

IDS = [model["id"] for model in MODELS]


def place_of(study: Study, benchmark: str) -> dict[str, int]:
    """The place of each image among the outcomes, by its path below the data set's folder."""
    root = study.data / SETS.get(benchmark, [benchmark])[0]

    def validation(split: str, count: int) -> list[Path]:
        paths = imagenet.read(root, split).paths
        return [paths[i] for i in spread(len(paths), count)]

    paths = {
        "imagenet": lambda: imagenet.read(root, "val").paths,
        "shifted_correlation": lambda: validation("val", SMALL["shifted_correlation"]["images"]),
        "adversarial": lambda: validation("val_decorrelated", SMALL["adversarial"]["images"]),
        "rival10": lambda: rival10.read(root, "test").paths,
        "imagenet9": lambda: imagenet9.foregrounds(root).paths,
        "waterbirds": lambda: waterbirds.read(root, "test").paths,
        "salient_imagenet": lambda: (
            salient_imagenet.read(root, root / "train", root / "mturk_results" / "discover_spurious_features.csv").paths
        ),
        "objectnet": lambda: [
            path
            for path, label in zip(*objectnet.read(root)[:2], strict=True)
            if label in objectnet.read(root).imagenet_to_objectnet
        ],
    }[benchmark]()
    return {path.relative_to(root).as_posix(): place for place, path in enumerate(paths)}


RECORDED = {
    "rival10": {
        "image": lambda o: o["clean"],
        "noise in the background": lambda o: o["background_linf_0.5"],
        "noise in the foreground": lambda o: o["foreground_linf_0.5"],
    },
    "salient_imagenet": {
        "image": lambda o: o["clean"],
        "noise outside the core region": lambda o: o["outside_core"][0],
        "noise in the core region": lambda o: o["core_region"][0],
    },
    "imagenet9": {
        "image": lambda o: o["original"],
        "background of its class": lambda o: o["mixed_same"],
        "background of a random class": lambda o: o["mixed_rand"],
        "without background": lambda o: o["only_fg"],
    },
    "waterbirds": {"image": lambda o: o["correct"]},
    "objectnet": {"image": lambda o: o["objectnet_official"]},
    "imagenet": {"image": lambda o: o["correct"]},
    "shifted_correlation": {
        f"correlation {name}": lambda o, number=number: o["correct"][o["domain"] == number]
        for number, name in enumerate(("preserved", "removed", "reversed"))
    },
    "adversarial": {"image": lambda o: o["accuracy_broken"]},
}


@pytest.mark.parametrize("benchmark", SHOWN)
def test_answers_are_those_of_the_evaluation_and_of_a_pass_over_the_same_pictures(study, pages, benchmark):
    places = place_of(study, benchmark)
    images = pages[benchmark]["images"]
    assert 2 <= len(images) <= 8
    compared = 0
    for model in IDS:
        outcomes = study.outcomes(benchmark, model)
        for image in images:
            for answer in image["answers"][model]:
                assert answer["right"] == (answer["predicted"] == image["class"])
                assert 0 <= answer["probability"] <= 1
                if answer["picture"] in RECORDED[benchmark]:
                    recorded = RECORDED[benchmark][answer["picture"]](outcomes)[places[image["id"]]]
                    assert answer["right"] == bool(recorded)
                    compared += 1
    assert compared == len(IDS) * len(images) * len(RECORDED[benchmark])


def test_the_swapped_picture_is_the_one_that_the_benchmark_measured(study, pages):
    places = place_of(study, "rival10")
    compared = 0
    for model in IDS:
        lost = study.outcomes("rival10", model)["swap_change"]
        for image in pages["rival10"]["images"]:
            chance = {answer["picture"]: answer["probability"] for answer in image["answers"][model]}
            found = chance["image"] - chance["background of another class"]
            assert found == pytest.approx(lost[places[image["id"]]], abs=2e-4)
            compared += abs(found) > 0.01
    assert compared > 3


@pytest.mark.parametrize("benchmark", ["rival10", "salient_imagenet", "imagenet9"])
def test_the_share_on_the_object_is_what_the_metric_leaves(study, pages, benchmark):
    places = place_of(study, benchmark)
    shares = []
    for model in IDS:
        behind = study.outcomes(benchmark, model)["gradient_share_background"]
        for image in pages[benchmark]["images"]:
            found = image["looks"][model]["share_on_object"]
            assert found == pytest.approx(1 - behind[places[image["id"]]], abs=1e-6)
            shares.append(found)
    assert len(set(shares)) > 4
    for benchmark_without_masks in ("waterbirds", "objectnet", "imagenet", "shifted_correlation", "adversarial"):
        images = pages[benchmark_without_masks]["images"]
        assert {image["looks"][model]["share_on_object"] for image in images for model in IDS} == {None}
        assert "no masks" in pages[benchmark_without_masks]["remark"]


def test_accuracies_of_the_worst_group_are_those_of_the_cards(study, pages):
    worst = pages["waterbirds"]["worst"]
    assert worst["group"].replace(" ", "_") in GROUPS
    for model in IDS:
        metrics = study.card("waterbirds", model)["metrics"]
        assert worst["accuracy"][model] == pytest.approx(
            metrics[f"accuracy_{worst['group'].replace(' ', '_')}"]["value"]
        )
    metrics = [study.card("waterbirds", model)["metrics"] for model in IDS]
    means = {group: sum(each[f"accuracy_{group}"]["value"] for each in metrics) for group in GROUPS}
    assert means[worst["group"].replace(" ", "_")] == min(means.values())
    shifted = pages["objectnet"]["worst"]
    for model in IDS:
        metric = study.card("objectnet", model)["metrics"][f"objectnet_accuracy_{shifted['group']}"]
        assert shifted["accuracy"][model] == pytest.approx(metric["value"])


def pixels(uri: str) -> np.ndarray:
    """The picture of a data URI, by Pillow."""
    kind, text = uri.split(",")
    assert kind == "data:image/webp;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGB"))


def test_pictures_are_the_images_themselves(study, pages):
    for image in pages["rival10"]["images"]:
        shown = {picture["what"]: pixels(picture["data"]) for picture in image["pictures"]}
        with Image.open(study.data / "rival10" / image["id"]) as stored:
            assert np.array_equal(shown["image"], np.asarray(stored.convert("RGB")))
        mask = shown["object mask"][:, :, :1] / 255
        changed = np.abs(shown["background of another class"].astype(float) - shown["image"])
        assert changed[np.broadcast_to(mask == 1, changed.shape)].max(initial=0) == 0
        assert image["looks"][IDS[0]]["data"] != image["looks"][IDS[1]]["data"]


def test_objectnet_is_shown_with_its_red_border(pages):
    for image in pages["objectnet"]["images"]:
        shown = pixels(image["pictures"][0]["data"])
        edge = np.concatenate([shown[0], shown[-1], shown[:, 0], shown[:, -1]])
        assert (edge == (255, 0, 0)).all()


@pytest.mark.parametrize("benchmark", SHOWN)
def test_without_leave_there_are_no_pictures_but_all_that_is_said_of_them(study, pages, benchmark, tmp_path):
    rule = {"embed": False, "licence": "for research", "why": "it forbids redistribution"}
    found = study.show(benchmark, tmp_path, pictures=rule)
    text = json.dumps(found)
    assert "data:" not in text
    assert "base64" not in text
    assert (found["may_embed"], found["why_not"], found["why"]) == (False, "it forbids redistribution", "")
    for here, there in zip(found["images"], pages[benchmark]["images"], strict=True):
        assert (here["id"], here["answers"]) == (there["id"], there["answers"])


def test_an_image_that_cannot_be_read_is_named_and_the_others_are_shown(study, pages, copy_of_study, tmp_path):
    damaged = copy_of_study("waterbirds")
    first, *others = pages["waterbirds"]["images"]
    (damaged.data / "waterbirds" / first["id"]).write_bytes(b"no image")
    found = damaged.show("waterbirds", tmp_path)["images"]
    assert first["id"] in found[0]["missing"]
    assert (found[0]["pictures"], found[0]["answers"]) == ([], {})
    assert found[1:] == others


def test_the_card_vouches_for_the_file_and_the_same_comes_again(study, pages, tmp_path):
    assert study.show("waterbirds", tmp_path) == pages["waterbirds"]
    written = tmp_path / "waterbirds.json"
    card = json.loads((tmp_path / "cards/waterbirds.json").read_text())
    assert card["files"] == {written.name: check(written)[0]}
    assert card["data"] == study.card("waterbirds", IDS[0])["data"]


def test_a_model_that_could_not_be_had_is_named(study, tmp_path):
    own = Study(study.data, tmp_path)
    for model in IDS:
        for kind in ("evaluations/waterbirds", "models"):
            (tmp_path / kind).mkdir(parents=True, exist_ok=True)
        (tmp_path / "models" / model).symlink_to(study.root / "models" / model)
    for suffix in ("json", "npz"):
        name = f"{IDS[0]}.{suffix}"
        (tmp_path / "evaluations/waterbirds" / name).symlink_to(study.root / "evaluations/waterbirds" / name)
    np.savez(tmp_path / f"evaluations/waterbirds/{IDS[1]}.npz")
    said = {"kind": "evaluation", "benchmark": "waterbirds", "model": IDS[1], "unavailable": "no route"}
    data = study.card("waterbirds", IDS[0])["data"]
    files = digests(tmp_path / f"evaluations/waterbirds/{IDS[1]}.npz")
    spec = {"architecture": "basic"}
    card = tmp_path / f"evaluations/waterbirds/{IDS[1]}.json"
    write_card(card, spec=spec, code="c", data=data, started=0.0, files=files, **said)
    found = own.show("waterbirds", tmp_path / "out")
    assert [model["missing"] for model in found["models"]] == [None, "no route"]
    assert {model for image in found["images"] for model in image["answers"]} == {IDS[0]}
    assert [reason["note"] for reason in found["reasons"]][1] == "the models shown here are of one kind"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"models": [{"id": "basic_standard"}]}, "models[0]"),
        ({"models": [MODELS[0] | {"id": "nobody"}]}, "nobody.json"),
        ({"pictures": {"embed": True}}, "expected embed, licence and why"),
    ],
)
def test_what_cannot_be_shown_is_one_line_and_writes_nothing(study, tmp_path, changes, said):
    with pytest.raises(InputError) as raised:
        study.show("waterbirds", tmp_path, **changes)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list(tmp_path.rglob("*.json"))


def test_other_data_than_the_evaluation_s_are_refused(study, copy_of_study, tmp_path):
    other = copy_of_study("waterbirds")
    fingerprint = other.data / "waterbirds/fingerprint.json"
    fingerprint.write_text(fingerprint.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    with pytest.raises(InputError, match=r"is of other data than .*waterbirds; evaluate again"):
        other.show("waterbirds", tmp_path / "out")


def test_outcomes_of_an_older_version_are_one_line(study, tmp_path):
    older = Study(study.data, tmp_path)
    (tmp_path / "models").symlink_to(study.root / "models")
    path = tmp_path / "evaluations/waterbirds/basic_standard.npz"
    path.parent.mkdir(parents=True)
    arrays = study.outcomes("waterbirds", "basic_standard")
    np.savez(path, **{name: array for name, array in arrays.items() if not name.startswith("head/")})
    card = study.card("waterbirds", "basic_standard")
    provenance = ("card_sha256", "seed", "versions", "seconds", "files", "device")
    kept = {key: value for key, value in card.items() if key not in provenance}
    write_card(path.with_suffix(".json"), started=0.0, files=digests(path), **kept)
    with pytest.raises(InputError, match=r"waterbirds/basic_standard.npz: no array head/mean; evaluate"):
        older.show("waterbirds", tmp_path / "out", models=MODELS[:1])


def test_a_benchmark_without_pictures_is_one_line(capsys):
    assert commands.main(["examples", "nothing"]) == 2
    assert capsys.readouterr().err.startswith("error: tradeoffs examples nothing: no such benchmark; expected ")
    assert sorted(commands.parts("examples")) == sorted(SHOWN) == sorted(commands.parts("show"))


def test_show_writes_the_pictures_of_a_research_only_set_for_oneself(study, pages, tmp_path, capsys):
    rule = {"embed": False, "licence": "for research", "why": "it forbids redistribution"}
    study.show("rival10", tmp_path, pictures=rule)
    out = tmp_path / "local.html"
    words = ["show", "rival10", "--data", str(study.data / "rival10"), "--out", str(out)]
    words += ["--evaluations", str(study.root / "evaluations"), "--page", str(tmp_path / "rival10.json")]
    assert commands.main(words) == 0
    assert "not to be passed on: it forbids redistribution" in capsys.readouterr().out
    text = out.read_text()
    for image in pages["rival10"]["images"]:
        assert image["pictures"][0]["data"] in text
        assert image["looks"][IDS[1]]["data"] in text


def test_show_without_a_page_or_of_another_folder_is_one_line(study, tmp_path, capsys):
    words = ["show", "rival10", "--evaluations", str(study.root / "evaluations"), "--out", str(tmp_path / "x.html")]
    assert commands.main([*words, "--data", str(study.data / "rival10")]) == 2
    assert "page/rival10.json" in capsys.readouterr().err
    study.show("rival10", tmp_path)
    more = ["--page", str(tmp_path / "rival10.json"), "--data", str(study.data / "waterbirds")]
    assert commands.main([*words, *more]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "x.html").exists()


def test_an_image_whose_mask_is_empty_has_no_share_and_is_on_no_other_background(study, copy_of, weights, tmp_path):
    data = copy_of("rival10")
    for mask in sorted((data / "RIVAL10/test/entire_object_masks").iterdir())[::2]:
        Image.new("L", (32, 32)).save(mask)
    other = Study(data.parent, tmp_path)
    (tmp_path / "models").symlink_to(study.root / "models")
    card = tmp_path / "evaluations/rival10/basic_standard.json"
    spec = json.dumps(study.card("rival10", IDS[0])["spec"])
    words = ["evaluate", "rival10", "--spec", spec, "--weights", str(weights), "--data", f"rival10={data}"]
    assert commands.main([*words, "--card", str(card), "--outcomes", str(card.with_suffix(".npz"))]) == 0
    images = other.show("rival10", tmp_path / "out", models=MODELS[:1])["images"]
    kinds = set()
    for image in images:
        shown = {picture["what"]: picture["data"] for picture in image["pictures"]}
        empty = pixels(shown["object mask"]).max() == 0
        assert empty == (image["looks"][IDS[0]]["share_on_object"] is None)
        assert empty == ("background of another class" not in shown)
        assert all(answer["right"] is not None for answer in image["answers"][IDS[0]])
        kinds.add(bool(empty))
    assert kinds == {True, False}
