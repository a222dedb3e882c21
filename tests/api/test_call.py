"""A benchmark in one call: the workflow's numbers to the last bit, and a model that stays as it was."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tradeoffs
from api.conftest import PIXELS, Own, scripted
from benchmarks.conftest import MODEL, SETS, SMALL
from models.published_format import trained_like
from pretended_gpu import GPU, pretended_gpu
from project_root import ROOT
from tradeoffs.api import evaluate_command
from tradeoffs.api.described import How
from tradeoffs.api.in_memory import in_memory
from tradeoffs.benchmarks.evaluate import step
from tradeoffs.benchmarks.waterbirds import GROUPS
from tradeoffs.models import convert
from tradeoffs.models.networks import load
from tradeoffs.runner import commands
from tradeoffs.step.cards import check, read_card
from tradeoffs.step.command import execute

DRAWS = {"seed": 5, "bootstrap": 100}


def by_the_workflow(benchmark, settings, weights, world, folder):
    """Return the card and arrays that the workflow's own command leaves."""
    card, outcomes = folder / "workflow.json", folder / "workflow.npz"
    data = [f"{name}={world / name}" for name in SETS.get(benchmark, [benchmark])]
    arguments = ["--spec", json.dumps(settings), "--weights", str(weights), "--card", str(card)]
    arguments += ["--outcomes", str(outcomes), *(word for place in data for word in ("--data", place))]
    execute(step(benchmark), f"evaluate {benchmark}", arguments)
    with np.load(outcomes) as arrays:
        return read_card(card), {name: arrays[name] for name in arrays.files}


def same(result, card, arrays):
    """Compare a result with what the workflow left: every metric, image and draw, bit for bit."""
    for key in ("metrics", "resampled", "skipped", "unanswered", "data", "code"):
        assert result.card[key] == card[key], key
    found = dict(result.outcomes) | {f"draws/{name}": array for name, array in result.draws.items()}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, name)


@pytest.mark.parametrize("benchmark", SMALL)
def test_a_file_and_a_module_have_the_numbers_of_the_workflow(benchmark, weights, miniature, tmp_path):
    spec = MODEL | SMALL[benchmark]
    card, arrays = by_the_workflow(benchmark, spec, weights, miniature, tmp_path)
    data = {name: miniature / name for name in SETS.get(benchmark, [benchmark])}
    told = {"settings": SMALL[benchmark] | DRAWS, "study": "miniature", "progress": False}
    network = load(weights, "basic", 10, torch.device("cpu"))
    for model, said in ((weights, {"architecture": "basic", "classes": 10}), (network, {})):
        same(tradeoffs.evaluate(model, benchmark, data, **said, **told), card, arrays)


def test_so_has_a_library_s_network_however_it_is_given(miniature, tmp_path):
    from safetensors.torch import save_file
    from torchvision import models

    torch.manual_seed(0)
    plain = trained_like(models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=10))
    files = {"pt": tmp_path / "net.pt", "safetensors": tmp_path / "net.safetensors"}
    torch.save(plain.state_dict(), files["pt"])
    save_file(plain.state_dict(), files["safetensors"])
    made = tmp_path / "made.pt"
    settings = convert.step("state_dict").settings(classes=10, name="torchvision/shufflenet_v2_x0_5", **PIXELS)
    convert.write(convert.convert("state_dict", settings, files["pt"]).tensors, made)
    told = {"settings": SMALL["rival10"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    of_file = {"architecture": "torchvision/shufflenet_v2_x0_5", "classes": 10}
    spec = MODEL | SMALL["rival10"] | {"architecture": of_file["architecture"]}
    card, arrays = by_the_workflow("rival10", spec, made, miniature, tmp_path)
    assert 0 < card["metrics"]["accuracy"]["value"] < 1
    for model, said in ((plain.train(), {}), (files["pt"], of_file), (files["safetensors"], of_file)):
        same(tradeoffs.evaluate(model, "rival10", miniature / "rival10", **said, **told), card, arrays)


def test_torchscript_in_memory_and_in_a_file_is_the_network_that_it_was_made_of(own, miniature, tmp_path):
    told = {"settings": SMALL["imagenet9"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    script = scripted(own, tmp_path / "net.pt")
    expected, *found = [
        tradeoffs.evaluate(model, "imagenet9", miniature / "imagenet9", trust=True, input_size=32, **said, **told)
        for model, said in (
            *((own, {}), (script, {}), (tmp_path / "net.pt", {"classes": 10})),
            (nn.Sequential(nn.Identity(), script), {}),
        )
    ]
    in_memory, in_a_file, within_a_module = (each.card["metrics"] for each in found)
    assert in_memory == in_a_file
    for name, metric in expected.card["metrics"].items():
        assert within_a_module[name] == pytest.approx(metric, abs=1e-6), name
    # TorchScript's images lie in memory otherwise than the module's, which rounds probabilities otherwise.
    for name, metric in expected.card["metrics"].items():
        assert in_memory[name] == pytest.approx(metric, abs=1e-6), name
    assert found[1].card["confined"] is False


def test_the_command_is_the_call(weights, miniature, tmp_path, capsys):
    words = ["evaluate", "--model", str(weights), "--architecture", "basic", "--classes", "10", "--out", str(tmp_path)]
    words += ["--benchmark", "waterbirds", "--data", str(miniature / "waterbirds"), "--study", "miniature"]
    changes = SMALL["waterbirds"] | DRAWS
    assert commands.main([*words, "--settings", *(f"{name}={value}" for name, value in changes.items())]) == 0
    printed = capsys.readouterr().out
    told = {"settings": changes, "study": "miniature", "architecture": "basic", "classes": 10, "progress": False}
    result = tradeoffs.evaluate(weights, "waterbirds", miniature / "waterbirds", **told)
    card = read_card(tmp_path / "waterbirds.json")
    assert check(tmp_path / "waterbirds.npz")[1] == tmp_path / "waterbirds.json"
    with np.load(tmp_path / "waterbirds.npz") as arrays:
        same(result, card, dict(arrays))
    assert printed == f"{result}\n"


def test_settings_are_read_as_yaml():
    assert evaluate_command.changed(["seed=3", "linf_levels=[0.1, 2e-1]", "unreadable=skip", "l2_penalty=1e-3"]) == {
        "l2_penalty": 0.001,
        "seed": 3,
        "linf_levels": [0.1, 0.2],
        "unreadable": "skip",
    }


def test_a_result_is_a_table_with_intervals_and_images_one_by_one(own, miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "name": "<mine>", "progress": False}
    result = tradeoffs.evaluate(own, "waterbirds", miniature / "waterbirds", **told)
    assert list(result.table.columns) == ["metric", "value", "ci_low", "ci_high", "n"]
    assert set(result.table.metric) == set(result.card["metrics"])
    rows = result.table.set_index("metric")
    correct, group = result.outcomes["correct"], result.outcomes["group"]
    by_group = [correct[group == g].mean() for g in range(4)]
    assert rows.value["worst_group_accuracy"] == pytest.approx(min(by_group))
    for metric, row in rows.iterrows():
        assert row.ci_low <= row.ci_high
        name = metric.removeprefix("accuracy_")
        assert row.n == (sum(group == GROUPS.index(name)) if name in GROUPS else len(correct))
        low, high = np.quantile(result.draws[metric], [0.025, 0.975])
        assert (low, high) == pytest.approx((row.ci_low, row.ci_high), abs=1e-6)
    first, *lines = repr(result).splitlines()
    assert first.startswith("Waterbirds: <mine>")
    assert lines[0].split()[0] == "background_swap_gap"
    assert "&lt;mine&gt;" in result._repr_html_()
    assert all(name in result._repr_html_() for name in rows.index)


def test_a_result_says_what_to_know_first(own, miniature):
    from torchvision.models import shufflenet_v2_x0_5

    told = {"settings": SMALL["imagenet"] | DRAWS, "study": "miniature", "progress": False}
    forgotten = "no mean and std were given, and networks of torchvision do not normalise images themselves"
    for model, said, remarks in (
        (own, {}, []),
        (shufflenet_v2_x0_5(num_classes=10), PIXELS, []),
        (shufflenet_v2_x0_5(num_classes=10), {}, [forgotten]),
    ):
        found = tradeoffs.evaluate(model, "imagenet", miniature / "imagenet", **said, **told)
        assert found.remarks == remarks
        assert all(f"\n  {remark}" in repr(found) and remark in found._repr_html_() for remark in remarks)
    tied = Own()
    torch.nn.init.zeros_(tied.head.weight)
    torch.nn.init.zeros_(tied.head.bias)
    found = tradeoffs.evaluate(tied, "imagenet", miniature / "imagenet", **told)
    images = found.card["metrics"]["accuracy"]["n"]
    assert found.remarks == [
        f"{images} of {images} images without an answer (a tie of the largest logits), counted as wrong"
    ]


class State:
    """All of a process and a model that a call might leave changed."""

    def __init__(self, model):
        self.modes = [module.training for module in model.modules()]
        self.tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.parameters = [(p.requires_grad, p.device, p.stride(), p.data_ptr()) for p in model.parameters()]
        self.gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        self.hooks = [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules()]
        backends = torch.backends
        self.process = (
            torch.are_deterministic_algorithms_enabled(),
            torch.get_float32_matmul_precision(),
            backends.cudnn.allow_tf32,
            backends.cudnn.benchmark,
            backends.mkldnn.matmul.fp32_precision,
            torch.is_grad_enabled(),
            torch.get_num_threads(),
            torch.get_default_dtype(),
            dict(os.environ),
        )
        self.random = torch.random.get_rng_state(), random.getstate()

    def assert_same(self, model):
        after = State(model)
        assert (after.modes, after.parameters, after.hooks) == (self.modes, self.parameters, self.hooks)
        assert after.process == self.process
        assert torch.equal(after.random[0], self.random[0])
        assert after.random[1] == self.random[1]
        assert all(torch.equal(after.tensors[name], tensor) for name, tensor in self.tensors.items())
        for ours, theirs in zip(after.gradients, self.gradients, strict=True):
            assert (ours is None) == (theirs is None)
            assert ours is None or torch.equal(ours, theirs)


class Failing(Own):
    """Counts its passes over a class attribute, so that copies count too, and fails in the n-th."""

    passes, after, how = 0, 0, RuntimeError

    def forward(self, x):
        """Logits, until it fails."""
        Failing.passes += 1
        if Failing.passes > Failing.after:
            raise Failing.how("as planned")
        return super().forward(x)


@pytest.mark.parametrize(
    ("after", "how", "raised"),
    [
        (10**6, RuntimeError, None),
        (0, RuntimeError, tradeoffs.InputError),
        (0, KeyboardInterrupt, KeyboardInterrupt),
        (6, RuntimeError, RuntimeError),
        (6, KeyboardInterrupt, KeyboardInterrupt),
    ],
)
def test_a_model_and_the_process_are_afterwards_as_before(own, miniature, monkeypatch, tmp_path, after, how, raised):
    model = Failing()
    model.load_state_dict(own.state_dict())
    model.train()
    model.second.eval()
    model.first.requires_grad_(False)
    model.head(torch.randn(2, 24)).sum().backward()
    monkeypatch.setattr(Failing, "passes", 0)
    monkeypatch.setattr(Failing, "after", after)
    monkeypatch.setattr(Failing, "how", how)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = State(model)
    told = {"study": "miniature", "progress": False}
    if raised is None:
        changes = SMALL["adversarial"] | {"images": 10} | DRAWS
        tradeoffs.evaluate(model, "adversarial", miniature / "imagenet", settings=changes, **told)
    else:
        with pytest.raises(raised):
            tradeoffs.evaluate(model, "imagenet9", miniature / "imagenet9", out=tmp_path / "out", **told)
    before.assert_same(model)
    assert list(tmp_path.iterdir()) == []


class Viewing(nn.Module):
    """A network as the first tutorials write them: it relies on how images lie in memory."""

    def __init__(self):
        super().__init__()
        self.first, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8 * 15 * 15, 10)

    def forward(self, x):
        """Logits."""
        x = torch.relu(self.first(x))
        return self.head(x.view(x.size(0), -1))


def test_a_network_may_rely_on_how_images_lie_in_memory(miniature, tmp_path):
    torch.manual_seed(0)
    network = Viewing()
    told = {"settings": SMALL["imagenet9"] | DRAWS, "study": "miniature", "progress": False}
    script = scripted(network, tmp_path / "net.pt")
    results = [tradeoffs.evaluate(each, "imagenet9", miniature / "imagenet9", **told) for each in (network, script)]
    assert 0 < results[0].card["metrics"]["accuracy_original"]["value"] < 1
    np.testing.assert_array_equal(*(each.outcomes["original"] for each in results))


def test_arrays_and_tensors_say_a_mean_as_lists_do(own, miniature):
    told = {"settings": SMALL["imagenet"] | DRAWS, "study": "miniature", "progress": False}
    values = PIXELS["mean"], PIXELS["std"]
    given = [values, map(np.array, values), [torch.tensor(each).reshape(3, 1, 1).double() for each in values]]
    found = [
        tradeoffs.evaluate(own, "imagenet", miniature / "imagenet", mean=mean, std=std, **told) for mean, std in given
    ]
    assert all(each.card["metrics"] == found[0].card["metrics"] for each in found)


def test_half_precision_compilation_and_data_parallelism_make_no_difference(own, miniature):
    told = {"settings": SMALL["imagenet"] | DRAWS, "study": "miniature", "progress": False}
    rounded = Own().half()
    rounded.load_state_dict(own.state_dict())
    whole = Own()
    whole.load_state_dict(rounded.state_dict())
    for one, other in ((rounded, whole), (torch.compile(own), own), (nn.DataParallel(own), own)):
        found, expected = (tradeoffs.evaluate(m, "imagenet", miniature / "imagenet", **told) for m in (one, other))
        assert found.card["metrics"] == expected.card["metrics"]
        np.testing.assert_array_equal(found.outcomes["correct"], expected.outcomes["correct"])
    assert rounded.head.weight.dtype == torch.float16


def test_features_are_the_last_layer_s_input_or_what_is_said(own, miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    place = miniature / "waterbirds"
    usual = tradeoffs.evaluate(own, "waterbirds", place, **told)
    for features in ("drop", lambda network, x: network.pooled(x)):
        found = tradeoffs.evaluate(own, "waterbirds", place, features=features, **told)
        assert found.card["metrics"] == usual.card["metrics"]
    other = tradeoffs.evaluate(own, "waterbirds", place, features="norm", **told)
    assert other.card["metrics"] != usual.card["metrics"]
    with_hooks = tradeoffs.evaluate(
        own, "waterbirds", place, features=lambda network, x: network.norm(network.first(x)).mean((2, 3)), **told
    )
    assert with_hooks.card["metrics"] == other.card["metrics"]


class Another(Own):
    """Its one linear layer of as many outputs as classes is not its last layer."""

    def __init__(self):
        super().__init__()
        self.last = nn.Conv2d(10, 10, 1)

    def forward(self, x):
        return self.last(super().forward(x)[:, :, None, None]).flatten(1)


class ChannelsLast(Own):
    """Its normalisation gives images by rows, as some transformers do."""

    def __init__(self):
        super().__init__()
        self.rows = nn.Identity()

    def pooled(self, x):
        return self.drop(self.rows(self.second(self.first(x)).permute(0, 2, 3, 1)).mean((1, 2)))


@pytest.mark.parametrize(
    ("network", "features", "said"),
    [
        (Another, None, "what head gives this network changes; give features="),
        (ChannelsLast, "rows", r"features: the output of rows is \[2, 7, 7, 24\]; expected .*a function of"),
    ],
)
def test_features_of_which_nobody_says_what_they_are_are_refused(network, features, said, miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False, "features": features}
    with pytest.raises(tradeoffs.InputError, match=said) as raised:
        tradeoffs.evaluate(network(), "waterbirds", miniature / "waterbirds", **told)
    assert "\n" not in str(raised.value)


class InPlace(Own):
    """The same function, of layers that overwrite what they are given."""

    def __init__(self):
        super().__init__()
        self.through = nn.Sequential()

    def pooled(self, x):
        x = self.through(self.norm(self.first(x)))
        x = self.second(nn.functional.relu(x, inplace=True)).relu_()
        return self.drop(x.mean((2, 3)))

    def forward(self, x):
        x = self.pooled(x)
        logits = self.head(x)
        x.zero_()
        return logits


def test_a_later_layer_that_works_in_place_changes_no_features(own, miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    network = InPlace()
    network.load_state_dict(own.state_dict())
    for features in ("norm", None):
        expected, found = (
            tradeoffs.evaluate(each, "waterbirds", miniature / "waterbirds", features=features, **told)
            for each in (own, network)
        )
        assert found.card["metrics"] == expected.card["metrics"]
    empty = tradeoffs.evaluate(network, "waterbirds", miniature / "waterbirds", features="through", **told)
    named = tradeoffs.evaluate(network, "waterbirds", miniature / "waterbirds", features="norm", **told)
    assert empty.card["metrics"] == named.card["metrics"]


def test_a_function_of_features_is_given_the_same_network_and_images_however_a_model_is_given(miniature, tmp_path):
    from torchvision import models

    torch.manual_seed(0)
    network = trained_like(models.get_model("shufflenet_v2_x0_5", weights=None, num_classes=10))
    torch.save(network.state_dict(), tmp_path / "net.pt")
    given = []

    def seen(inside, x):
        given.append((type(inside).__name__, inside.fc.out_features, x.min().item(), x.max().item()))
        return inside.conv1(x).mean((2, 3))

    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False, "features": seen} | PIXELS
    file = {"architecture": "torchvision/shufflenet_v2_x0_5", "classes": 10}
    data = miniature / "waterbirds"
    found = [tradeoffs.evaluate(network, "waterbirds", data, **told)]
    module, given[:] = list(given), []
    found.append(tradeoffs.evaluate(str(tmp_path / "net.pt"), "waterbirds", data, **told | file))
    assert given == module
    assert found[0].card["metrics"] == found[1].card["metrics"]


class Modes:
    """What a caller may have switched on, which is no business of an evaluation."""

    autocast = torch.autocast("cpu", torch.bfloat16)
    inference = torch.inference_mode()
    no_grad = torch.no_grad()

    class Double:
        def __enter__(self):
            torch.set_default_dtype(torch.float64)

        def __exit__(self, *_):
            assert torch.get_default_dtype() == torch.float64
            torch.set_default_dtype(torch.float32)

    double = Double()
    meta = torch.device("meta")

    class Meta:
        def __enter__(self):
            torch.set_default_device("meta")

        def __exit__(self, *_):
            assert torch.get_default_device() == torch.device("meta")
            torch.set_default_device(None)

    default_device = Meta()


@pytest.mark.parametrize("mode", ["autocast", "inference", "no_grad", "double", "meta", "default_device"])
@pytest.mark.parametrize("benchmark", ["waterbirds", "rival10"])
def test_what_a_caller_has_switched_on_changes_no_number(own, miniature, mode, benchmark):
    told = {"settings": SMALL[benchmark] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    usual = tradeoffs.evaluate(own, benchmark, miniature / benchmark, **told)
    with getattr(Modes, mode):
        found = tradeoffs.evaluate(own, benchmark, miniature / benchmark, **told)
    assert found.card["metrics"] == usual.card["metrics"]


def test_what_a_caller_has_switched_on_changes_no_picture_of_a_page_nor_does_a_page_change_it(
    own, weights, miniature, tmp_path
):
    of_file = {"model": weights, "architecture": "basic", "classes": 10}  # is built first, of random numbers
    told = {"study": "miniature", "settings": {"waterbirds": SMALL["waterbirds"] | DRAWS}, "progress": False}

    def shown():
        before = State(own)
        tradeoffs.compare(
            {"own": own, "file": of_file}, "waterbirds", miniature / "waterbirds", page=tmp_path / "page.html", **told
        )
        before.assert_same(own)
        return re.findall(r'id="data-images-\w+">(.*?)</script>', (tmp_path / "page.html").read_text())

    usual = shown()
    assert "data:image/webp" in usual[0]
    for mode in ("autocast", "inference", "no_grad", "double", "meta", "default_device"):
        with getattr(Modes, mode):
            found = shown()
        assert found == usual, mode


class Solid(Own):
    """A network with weights of five axes, for which torch has no such layout as for four."""

    def __init__(self):
        super().__init__()
        self.solid = nn.Conv3d(1, 1, 1)

    def forward(self, x):
        return super().forward(self.solid(x[:, None])[:, 0])


def test_a_network_with_weights_of_five_axes_is_evaluated(miniature):
    found = tradeoffs.evaluate(
        Solid(), "imagenet", miniature / "imagenet", settings=DRAWS, study="miniature", progress=False
    )
    assert 0 <= found.card["metrics"]["accuracy"]["value"] <= 1


def test_calls_from_two_threads_wait_for_each_other_and_leave_the_process_as_it_was(own, miniature):
    """The second begins while the first runs, and ends after it: what it found switched was not the caller's."""
    told = {"settings": DRAWS, "study": "miniature", "progress": False}
    both = threading.Barrier(2, timeout=60)
    found = []

    def call():
        both.wait()
        found.append(tradeoffs.evaluate(own, "imagenet", miniature / "imagenet", **told).card["metrics"])

    state = torch.random.get_rng_state()
    torch.set_default_dtype(torch.float64)
    try:
        threads = [threading.Thread(target=call) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert found[0] == found[1]


NETS = """
import torch
from api.conftest import Own

def make():
    torch.manual_seed(0)
    return Own()
"""


@pytest.mark.parametrize("source", ["torchscript", "python"])
def test_code_that_the_workflow_converted_is_taken_where_it_is_trusted(source, own, miniature, tmp_path):
    (tmp_path / "net.py").write_text(NETS)
    scripted(own, tmp_path / "net.pt")
    spec = {"classes": 10, "mean": [0.5] * 3, "std": [0.25] * 3}
    given = ["--checkpoint", tmp_path / "net.pt"]
    if source == "python":
        spec, given = spec | {"factory": f"{tmp_path / 'net.py'}:make"}, []
    made = tmp_path / "made/weights.pt"
    words = [source, "--spec", json.dumps(spec), *given, "--weights", made, "--card", made.with_name("card.json")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "workflow", ROOT / "tests")))}
    command = [sys.executable, "-m", "tradeoffs", "convert", *map(str, words)]  # which may write nowhere else then
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = {"settings": DRAWS, "study": "miniature", "progress": False}
    with pytest.raises(tradeoffs.InputError, match=f"its card says {source}, which is code; if you trust it"):
        tradeoffs.evaluate(made, "imagenet", miniature / "imagenet", **told)
    found = tradeoffs.evaluate(made, "imagenet", miniature / "imagenet", trust=True, **told)
    assert (found.card["spec"]["architecture"], found.card["source"]["name"]) == (source, source)


def test_what_the_system_refuses_is_one_line(own, miniature, monkeypatch):
    monkeypatch.setattr("tradeoffs.api.folders.opened", lambda *_: Path("/proc/nowhere/a").stat())
    with pytest.raises(tradeoffs.InputError, match="/proc/nowhere/a: No such file or directory; make it first"):
        tradeoffs.evaluate(own, "imagenet", miniature / "imagenet", progress=False)


class Autocast(Own):
    """A network that computes in 16 bits by itself."""

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return super().forward(x)


def test_features_of_16_bits_are_taken(miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    torch.manual_seed(3)
    found = tradeoffs.evaluate(Autocast(), "waterbirds", miniature / "waterbirds", **told)
    assert found.card["metrics"]


def test_where_there_are_families_of_metrics_alone_they_are_shown(own, miniature):
    told = {"settings": SMALL["adversarial"] | DRAWS, "study": "miniature", "progress": False} | PIXELS
    said = repr(tradeoffs.evaluate(own, "adversarial", miniature / "imagenet", **told))
    assert "adversarial_accuracy_" in said


def test_what_the_workflow_trained_says_itself_what_it_is(weights, miniature, tmp_path):
    from tradeoffs.step.cards import digests, write_card

    made = tmp_path / "weights.pt"
    made.write_bytes(weights.read_bytes())
    content = {"classes": 10, "kind": "model"}
    spec = {"architecture": "basic"}
    write_card(tmp_path / "card.json", spec=spec, code="c", data={}, started=0.0, files=digests(made), **content)
    told = {"settings": DRAWS, "study": "miniature", "progress": False}
    result = tradeoffs.evaluate(made, "imagenet", miniature / "imagenet", **told)
    assert result.card["spec"]["architecture"] == "basic"


def test_a_gpu_is_taken_where_it_is_named_and_by_what_is_loaded(own, weights, miniature):
    told = {"settings": SMALL["waterbirds"] | DRAWS, "study": "miniature", "progress": False}
    of_file = {"architecture": "basic", "classes": 10}
    for model, said, on_gpu in ((own, {"device": "cuda"}, True), (own, {}, False), (weights, of_file, True)):
        expected = tradeoffs.evaluate(model, "waterbirds", miniature / "waterbirds", **said | {"device": "cpu"}, **told)
        with pretended_gpu():
            found = tradeoffs.evaluate(model, "waterbirds", miniature / "waterbirds", **said, **told)
        assert found.card["device"] == ("Pretended GPU" if on_gpu else "cpu")
        np.testing.assert_array_equal(found.outcomes["correct"], expected.outcomes["correct"])


def test_on_a_gpu_weights_of_a_module_lie_as_the_workflow_s(own):
    with pretended_gpu():
        given = in_memory(own, How(), GPU, 32)
        assert given.network.backbone.second.weight.is_contiguous()
    given = in_memory(own, How(), torch.device("cpu"), 32)
    assert given.network.backbone.second.weight.is_contiguous(memory_format=torch.channels_last)


def test_progress_is_shown_where_it_is_wanted(own, miniature, capsys):
    told = {"settings": SMALL["imagenet"] | DRAWS, "study": "miniature"}
    tradeoffs.evaluate(own, "imagenet", miniature / "imagenet", progress=False, **told)
    assert capsys.readouterr() == ("", "")
    tradeoffs.evaluate(own, "imagenet", miniature / "imagenet", **told)
    assert "ImageNet:" in capsys.readouterr().err


def confined(own, folder, benchmark, data):
    """Put a network that is code through a benchmark by the command; the home folder is ``folder``."""
    scripted(own, folder / "net.pt")
    words = ["evaluate", "--model", folder / "net.pt", "--trust", "--mean", 0, 0, 0, "--std", 1, 1, 1]
    words += ["--classes", 10, "--input-size", 32, "--benchmark", benchmark, "--data", data]
    words += ["--study", "miniature", "--out", "~/out"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "CUDA_VISIBLE_DEVICES": "", "HOME": str(folder)}
    environment.pop("TORCHINDUCTOR_CACHE_DIR", None)  # which torch sets, in this process, for its children
    command = [sys.executable, "-m", "tradeoffs", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def test_code_from_the_command_line_may_write_nowhere_but_into_its_results(own, miniature, tmp_path):
    done = confined(own, tmp_path, "imagenet", miniature / "imagenet")
    assert done.returncode == 0, done.stderr
    assert read_card(tmp_path / "out/imagenet.json")["confined"] is can_confine(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["net.pt", "out"]


def test_so_may_code_that_reads_another_layout(own, miniature, tmp_path):
    layout = tmp_path / "wilds/waterbirds_v1.0"
    layout.parent.mkdir()
    layout.symlink_to(miniature / "waterbirds/waterbird_complete95_forest2water2")
    done = confined(own, tmp_path, "waterbirds", layout.parent)
    assert "gives logits only" in done.stderr  # TorchScript has no features: the data was read
    shutil.rmtree(tmp_path / "out")
    done = confined(own, tmp_path, "waterbirds", tmp_path / "nowhere")
    assert "nowhere: no such folder" in done.stderr
    assert not (tmp_path / "out").exists()


def can_confine(folder):
    """Return whether this system confines a process."""
    code = "from pathlib import Path; from tradeoffs.models.confinement import confine; "
    command = [sys.executable, "-c", f"{code} print(confine(Path({str(folder)!r})))"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout == "True\n"
