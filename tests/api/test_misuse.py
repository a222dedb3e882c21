"""Whatever does not fit is one line that says what to do, and nothing is left behind."""

import shutil

import numpy as np
import pytest
import torch
from torch import nn

import tradeoffs
from api.conftest import Own, scripted
from benchmarks.conftest import SMALL
from tradeoffs.runner import commands


class Odd(Own):
    """A network whose output is what a function makes of its logits."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        """Something of the logits."""
        return self.change(super().forward(x))


class Sequence(nn.Module):
    """A network that classifies every place of an image, and then takes the mean."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 10)

    def forward(self, x):
        """Logits of the mean of answers."""
        return self.head(x.flatten(2).transpose(1, 2)).mean(1)


class Squeezed(Own):
    """A network whose pooled features lose their first axis where it is of one image."""

    def forward(self, x):
        """Logits, where there are two images or more."""
        return self.head(self.pooled(x).squeeze())


class Adapted(Own):
    """A network whose head has a low-rank one beside it."""

    def __init__(self):
        super().__init__()
        self.down, self.up = nn.Linear(24, 2), nn.Linear(2, 10)

    def forward(self, x):
        """The sum of both heads' logits."""
        pooled = self.pooled(x)
        return self.head(pooled) + self.up(self.down(pooled))


class Ordered(Own):
    """A network with a head that is defined before a layer of as many outputs, which it does not use."""

    def __init__(self):
        super().__init__()
        self.unused = nn.Linear(24, 10)


class Uncopied(Own):
    """A network that cannot be copied."""

    def __deepcopy__(self, memo):
        raise RuntimeError("no\ncopies")


class NoMode(Own):
    """A network whose own train() refuses."""

    def train(self, mode=True):
        if mode:
            return super().train()
        raise RuntimeError("no mode")


def broken(change):
    network = Own()
    with torch.no_grad():
        change(network)
    return network


NETWORKS = {
    "no tensor": (Odd(lambda y: {"logits": y}), {}, "its output is dict; expected logits [2, classes]"),
    "maps": (Odd(lambda y: y[:, :, None]), {}, "its output is [2, 10, 1]; expected logits [2, classes]"),
    "scalar": (Odd(lambda y: y.sum()), {}, "its output is []; expected logits"),
    "classes": (Odd(lambda y: y.argmax(1)[:, None].repeat(1, 10)), {}, "of type int64; expected logits"),
    "NaN": (Odd(lambda y: y * float("nan")), {}, "its logits are not finite (NaN or infinite) on 2 of 2 images"),
    "NaN in the weights": (broken(lambda n: n.head.bias.fill_(float("nan"))), {}, "its weights are damaged"),
    "other size": (
        nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 10)),
        {},
        "if it takes one size alone, set input_size",
    ),
    "no linear layer": (
        nn.Sequential(nn.Conv2d(3, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        {},
        "give features=",
    ),
    "several heads": (Adapted(), {}, "this network uses head and up; give features="),
    "one image alone": (Squeezed(), {}, "(of two images at once it is right: does it squeeze()?)"),
    "a head over a sequence": (Sequence(), {}, "what head gives this network changes; give features="),
    "no row for each image": (
        Own(),
        {"features": lambda n, x: torch.zeros(2, 1024, 3)},
        "its features are [2, 1024, 3]; expected [2, d]",
    ),
    "no such layer": (Own(), {"features": "hat"}, "features: 'hat' is no layer of this network"),
    "no features": (Own(), {"features": 3}, "features: 3; expected the name of a layer"),
    "features that fail": (Own(), {"features": lambda n, x: n.hat(x)}, "its features fail on images of 32 px"),
    "NaN features": (Own(), {"features": lambda n, x: n.pooled(x) / 0 * 0}, "its features are not finite"),
    "mean alone": (Own(), {"mean": [0.5] * 3}, "mean, std: one of them is given"),
    "a mean for all": (Own(), {"mean": 0.5, "std": 0.5}, "mean: 0.5; expected a list of three numbers, one for each"),
    "a set": (Own(), {"mean": {0.4, 0.5, 0.6}, "std": [1, 1, 1]}, "; expected a list of three numbers, one for each"),
    "keys": (
        Own(),
        {"mean": dict.fromkeys((0, 1, 2), 0.5), "std": [1, 1, 1]},
        "mean: {0: 0.5, 1: 0.5, 2: 0.5}; expected",
    ),
    "digits": (Own(), {"mean": "000", "std": "111"}, "mean: '000'; expected a list of three numbers"),
    "text": (Own(), {"mean": ["0", "0", "0"], "std": [1, 1, 1]}, "mean: ['0', '0', '0']; expected a list of three"),
    "switches": (Own(), {"mean": [0] * 3, "std": [True, np.True_, 1]}, "std: [True, "),
    "an array of switches": (Own(), {"mean": [0] * 3, "std": np.ones(3, bool)}, "std: array([ True, "),
    "six numbers": (
        Own(),
        {"mean": torch.full((2, 3), 0.5), "std": [1, 1, 1]},
        "mean: [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]; exp",
    ),
    "probabilities": (
        Odd(lambda y: y.softmax(1)),
        {},
        "sum to 1: probabilities, on which attacks and margins say other",
    ),
    "one-hot": (
        Odd(lambda y: nn.functional.one_hot(y.argmax(1), 10).float()),
        {},
        "give logits: leave the softmax out",
    ),
    "no train": (
        NoMode(),
        {},
        "cannot be put into evaluation mode, or its state_dict() cannot be taken (RuntimeError: no ",
    ),
    "two sizes": (Own(), {"input_size": (32, 32)}, "input_size: (32, 32); expected a whole number from 1"),
    "mean of one": (Own(), {"mean": [0.5], "std": [1, 1, 1]}, "mean: [0.5]; expected three finite numbers"),
    "number of classes": (Own(), {"classes": 7}, "its output is [2, 10]; expected logits [2, 7], check classes"),
    "architecture": (Own(), {"architecture": "resnet50"}, "is given as a module; leave it out"),
    "no values": (Own().to("meta"), {}, "on the device meta"),
    "no copies": (Uncopied(), {}, "cannot be copied (no copies)"),
    "no network": (torch.zeros(3), {}, "model: Tensor; expected a torch.nn.Module, or text"),
    "no file": ("nets/mine.pt", {}, "no such file, and no name of a network"),
    "no weights": ("timm/vgg11.hat", {}, "timm has no weights 'hat' of vgg11"),
    "no name": ("torchvision/resnet51", {}, "torchvision has no classifier 'resnet51'; did you mean"),
    "no device": (Own(), {"device": "tpu"}, "device: "),
    "no such GPU": (Own(), {"device": "cuda:77"}, "expected one of those that are here: cpu"),
    "no study": (Own(), {"study": "cifar"}, "study: 'cifar'; expected one of miniature, imagenet"),
    "no setting": (
        Own(),
        {"settings": {"resise": 3}},
        "settings: 'resise' is unknown to waterbirds; did you mean resize",
    ),
    "no number": (Own(), {"settings": {"resize": "big"}}, "settings: resize = 'big': 'big' is not of type 'integer'"),
    "a share of a draw": (
        Own(),
        {"settings": {"bootstrap": 20.5}},
        "settings: bootstrap = '20.5': 20.5 is not of type 'integer'",
    ),
    "no settings": (Own(), {"settings": 3}, "settings: 3; expected changes by name"),
    "no architecture": ("nets/mine.pt:build", {"trust": True, "architecture": 3}, "architecture: 3; expected text"),
    "no text": (Own(), {"name": 3}, "name: 3; expected text"),
    "trust in words": ("nets.py:build", {"trust": "false"}, "trust: 'false'; expected True or False"),
    "no user": ("~nobody-here/mine.pt", {}, "model: '~nobody-here/mine.pt'; "),
    "no path": ("x" * 5000, {}, "model: 'xxxx"),
    "no weights yet": (
        nn.Sequential(nn.Flatten(), nn.LazyLinear(10)),
        {},
        "its weights are not made yet (lazy layers)",
    ),
    "pixels to 255": (
        Own(),
        {"mean": [123.7, 116.3, 103.5], "std": [58.4, 57.1, 57.4]},
        "mean: [123.7, 116.3, 103.5], not in units of pixels in [0, 1]; expected numbers up to 3",
    ),
    "no draws": (Own(), {"settings": {"bootstrap": 3}}, "settings: bootstrap = '3': 3 is less than the minimum of 10"),
}


@pytest.mark.parametrize("what", NETWORKS)
def test_a_network_that_does_not_fit_is_one_line(what, miniature, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model, said, message = NETWORKS[what]
    told = {"study": "miniature", "out": tmp_path / "out", "progress": False} | said
    with pytest.raises(tradeoffs.InputError) as raised:
        tradeoffs.evaluate(model, "waterbirds", miniature / "waterbirds", **told)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("benchmark", "data", "out", "message"),
    [
        (None, "waterbirds", None, "benchmark: None; expected one name, as 'waterbirds'; compare takes several"),
        (["waterbirds"], "waterbirds", None, r"benchmark: \['waterbirds'\]; expected one name"),
        ("waterbirds", {"waterbirds": 3}, None, "data: waterbirds: 3; expected a path"),
        ("waterbirds", {"waterbird": "x"}, None, "data: 'waterbird' is no data set; did you mean waterbirds"),
        ("waterbirds", {"waterbirds": ""}, None, "data: waterbirds: ''; expected a path"),
        (
            "waterbirds",
            {"waterbirds": "~nobody-here/x"},
            None,
            "data: waterbirds: '~nobody-here/x'; .*: correct the path",
        ),
        ("waterbirds", {"waterbirds": "x" * 5000}, None, "data: waterbirds: 'x{80}'; File name too long: correct"),
        ("waterbirds", "waterbirds", 3, "out: 3; expected a folder"),
        ("waterbirds", "waterbirds", "", "out: ''; expected a folder"),
        ("waterbirds", "waterbirds", "~nobody-here/x", "out: '~nobody-here/x'; .*: correct the path"),
        ("waterbirds", "waterbirds", "x" * 300, "out: 'x{80}'; File name too long: correct the path"),
        ("waterbirds", "waterbirds", "a\0b", r"out: 'a\\x00b'; embedded null byte: correct the path"),
        ("waterbirds", "waterbirds", "taken", "out: taken: .*; expected a folder that can be written to"),
        ("waterbirds", "waterbirds", "taken/below", "out: taken/below: .*; expected a folder that can be written to"),
        ("waterbirds", "waterbirds", "/proc/nope", "out: /proc/nope: .*; expected a folder that can be written to"),
    ],
)
def test_what_is_of_another_kind_or_cannot_be_written_is_one_line_before_hours_are_spent(
    benchmark, data, out, message, miniature, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").touch()
    monkeypatch.setattr("tradeoffs.api.evaluate.measured", None)
    place = miniature / data if isinstance(data, str) else data
    with pytest.raises(tradeoffs.InputError, match=message) as raised:
        tradeoffs.evaluate(Own(), benchmark, place, study="miniature", out=out, progress=False)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("budgets", "message"),
    [
        ([0.1234567, 0.12345674], "values that differ in their first six digits, as they are names"),
        ([5e-05], "numbers from 0.0001 to 999999: 5e-05 becomes a name"),
    ],
)
def test_budgets_that_would_be_one_name_or_none_are_one_line(budgets, message, miniature):
    changes = {"settings": {"budgets": {"l2": budgets}}, "study": "miniature", "progress": False}
    with pytest.raises(tradeoffs.InputError, match=f"settings: budgets.l2 = .*{message}"):
        tradeoffs.evaluate(Own(), "adversarial", miniature / "imagenet", **changes)


def test_another_number_of_classes_than_the_benchmark_s_is_one_line(miniature):
    for benchmark, message in (("imagenet", "the network has 7 classes"), ("imagenet9", "the class indices 0 to 6")):
        with pytest.raises(tradeoffs.InputError, match=message):
            tradeoffs.evaluate(Own(7), benchmark, miniature / benchmark, study="miniature", progress=False)


def test_code_runs_only_where_it_is_trusted(own, miniature, tmp_path):
    scripted(own, tmp_path / "net.pt")
    with pytest.raises(tradeoffs.InputError, match="code, which runs when it is loaded and used"):
        tradeoffs.evaluate(tmp_path / "net.pt", "imagenet", miniature / "imagenet", study="miniature")
    told = {"trust": True, "mean": [0] * 3, "std": [1] * 3, "classes": 10, "input_size": 32, "study": "miniature"}
    with pytest.raises(tradeoffs.InputError, match="net: this model gives logits only"):
        tradeoffs.evaluate(tmp_path / "net.pt", "waterbirds", miniature / "waterbirds", **told)


def test_a_file_of_tensors_needs_an_architecture_and_colours(own, miniature, tmp_path):
    torch.save(own.state_dict(), tmp_path / "net.pt")
    place = miniature / "waterbirds"
    with pytest.raises(tradeoffs.InputError, match="holds tensors alone; say of which network by architecture"):
        tradeoffs.evaluate(tmp_path / "net.pt", "waterbirds", place, study="miniature")
    with pytest.raises(tradeoffs.InputError, match="not weights of a resnet18 with 1000 classes"):
        tradeoffs.evaluate(tmp_path / "net.pt", "waterbirds", place, architecture="resnet18", study="miniature")


def unmarked(copy_of, name):
    """A data set as it was published: without what the workflow writes beside it."""
    root = copy_of(name)
    (root / "fingerprint.json").unlink()
    (root / "card.json").unlink()
    return root


def test_what_is_resampled_together_is_part_of_the_fingerprint(copy_of):
    """As the table of clusters says, by which intervals differ; sizes of files alone would not tell two apart."""
    from tradeoffs.api import folders

    root = unmarked(copy_of, "waterbirds")
    table = root / "clusters.csv"
    content = table.read_bytes()

    def found():
        with folders.folder("waterbirds", root) as folder:
            return folder.fingerprint

    seen = [found()]
    table.write_bytes(content.swapcase())
    seen.append(found())
    table.unlink()
    assert len({*seen, found()}) == 3


@pytest.mark.parametrize("inner", [False, True])
def test_a_published_folder_is_read_as_it_is(own, miniature, copy_of, inner):
    root = unmarked(copy_of, "waterbirds")
    before = sorted(path for path in root.rglob("*"))
    told = {"settings": SMALL["waterbirds"] | {"bootstrap": 50}, "progress": False}
    place = root / "waterbird_complete95_forest2water2" if inner else root
    found = tradeoffs.evaluate(own, "waterbirds", place, **told)
    expected = tradeoffs.evaluate(own, "waterbirds", miniature / "waterbirds", **told)
    assert found.card["metrics"] == expected.card["metrics"]
    assert found.card["data"]["waterbirds"].startswith("listing:")
    assert sorted(path for path in root.rglob("*")) == before
    image = next(root.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"\0")
    again = tradeoffs.evaluate(own, "waterbirds", place, **told)
    assert again.card["data"] != found.card["data"]


@pytest.mark.parametrize("layout", ["waterbirds_v1.0", "."])
@pytest.mark.parametrize("inner", [False, True])
def test_the_layout_of_wilds_is_read_as_it_is(layout, inner, own, miniature, copy_of, tmp_path):
    root = tmp_path / "wilds"
    (root / layout).parent.mkdir(parents=True, exist_ok=True)
    unmarked(copy_of, "waterbirds").joinpath("waterbird_complete95_forest2water2").rename(root / layout)
    before = sorted(root.rglob("*"))
    told = {"settings": SMALL["waterbirds"] | {"bootstrap": 50}, "progress": False}
    place = root / layout if inner else root
    found = tradeoffs.evaluate(own, "waterbirds", place, **told)
    expected = tradeoffs.evaluate(own, "waterbirds", miniature / "waterbirds", **told)
    assert (found.outcomes["correct"] == expected.outcomes["correct"]).all()
    assert sorted(root.rglob("*")) == before
    image = next(root.rglob("*.jpg"))
    image.unlink()
    with pytest.raises(tradeoffs.InputError, match="file not found") as raised:
        tradeoffs.evaluate(own, "waterbirds", place, **told)
    assert str(raised.value).startswith(f"{image}: ")


def test_a_folder_of_another_data_set_is_one_line(own, miniature, copy_of):
    cases = [
        ("waterbirds", miniature / "rival10", "holds RIVAL10; expected Waterbirds"),
        (
            "rival10",
            unmarked(copy_of, "waterbirds"),
            "holds Waterbirds; expected RIVAL10, a folder that holds RIVAL10/",
        ),
        ("rival10", miniature, "holds no such data set; expected RIVAL10"),
        ("rival10", miniature / "hat", "no such folder; expected RIVAL10's"),
        ("objectnet", miniature / "objectnet", "objectnet reads objectnet and imagenet, expected {"),
        ("objectnet", {"objectnet": miniature / "objectnet"}, "no folder of imagenet, which objectnet reads"),
        ("hat", miniature / "objectnet", "no benchmark is called 'hat'"),
        ("rival10", 3, "data: int; expected a path"),
    ]
    for benchmark, place, message in cases:
        with pytest.raises(tradeoffs.InputError) as raised:
            tradeoffs.evaluate(own, benchmark, place, progress=False)
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_published_folder_that_is_not_whole_says_what_is_missing(own, copy_of):
    salient = unmarked(copy_of, "salient_imagenet")
    (salient / "mturk_results/discover_spurious_features.csv").rename(salient / "answers.csv")
    with pytest.raises(tradeoffs.InputError, match="published beside the archive, at https://"):
        tradeoffs.evaluate(own, "salient_imagenet", salient)
    (salient / "answers.csv").rename(salient / "mturk_results/discover_spurious_features.csv")
    shutil.move(salient / "train", salient / "elsewhere")
    with pytest.raises(tradeoffs.InputError, match="the images are those of ImageNet's train/: put a link to it there"):
        tradeoffs.evaluate(own, "salient_imagenet", salient)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("evaluate --model nets/mine.pt --benchmark waterbirds", "model: 'nets/mine.pt'; no such file"),
        ("evaluate --model x --benchmark waterbird", "no benchmark is called 'waterbird'; did you mean waterbirds?"),
        ("evaluate --model x --benchmark waterbirds --settings seed", "--settings: 'seed'; expected NAME=VALUE"),
        (
            "evaluate --model x --benchmark waterbirds --settings bootstrap=0200",
            "--settings bootstrap: 0200 is read as 128 by YAML; write that, or in quotes what is text",
        ),
        (
            "evaluate --model x --benchmark waterbirds --settings seed=1:30",
            "--settings seed: 1:30 is read as 90 by YAML",
        ),
        (
            "evaluate --model nets.py:make --trust --mean 0 0 0 --std 1 1 1 --benchmark waterbirds",
            "factory: nets.py:make() raised ValueError at nets.py:2 (no way); correct it",
        ),
        ("compare --models a=x b --benchmarks waterbirds", "--models: 'b'; expected NAME=MODEL"),
        ("compare --models a=x --benchmarks waterbirds", "models: expected two or more by name"),
    ],
)
def test_a_command_that_does_not_fit_is_one_line_and_exit_code_two(
    words, message, miniature, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text("def make():\n    raise ValueError('no way')\n")
    data = ["--data", str(miniature / "waterbirds"), "--out", str(tmp_path / "out")]
    assert commands.main([*words.split(), *data]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {message}")
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_layer_that_is_not_used_is_no_head(miniature):
    found = tradeoffs.evaluate(
        Ordered(),
        "waterbirds",
        miniature / "waterbirds",
        settings=SMALL["waterbirds"],
        study="miniature",
        progress=False,
    )
    assert found.outcomes["head/weight"].shape == (24, 2)
