"""The zoo: what its entries must hold to, and files in the published formats that become the networks they name."""

import argparse
import re
from urllib.parse import urlsplit

import pytest
import torch
from torch import nn

from models.published_format import AttackerModel, Normalizer, checkpoint_of, trained_like
from tradeoffs.models import key_rules, networks, released_files, zoo
from tradeoffs.models.conversion import LARGEST
from tradeoffs.models.networks import load, unwrapped
from tradeoffs.models.sources.zoo import Settings, read
from tradeoffs.models.zoo import Entry
from tradeoffs.step.errors import InputError

CPU = torch.device("cpu")
NAMES = [entry.name for entry in zoo.listed()]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


@pytest.fixture
def converted(tmp_path):
    """Return a function that writes a content under an entry's file name and returns what the source makes of it."""

    def run(name, content, classes=10):
        path = tmp_path / zoo.find(name).file
        torch.save(content, path)
        return read(Settings(name, classes), path)

    return run


@pytest.fixture
def network_of(converted, tmp_path):
    """Return a function that gives the network made of a content, as evaluations load it."""

    def run(name, content, classes=10):
        found = converted(name, content, classes)
        torch.save(found.tensors, tmp_path / "weights.pt")
        return load(tmp_path / "weights.pt", found.architecture, classes, CPU)

    return run


def timm_network(name, **arguments):
    """Timm's own network with random weights and a head that answers."""
    import timm

    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=10, **arguments)
    for module in network.modules():
        if isinstance(module, nn.Linear) and module.out_features == 10:
            nn.init.normal_(module.weight, 0, 0.1)
    return network.eval()


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_says_what_is_needed_in_the_units_that_are_used(name):
    entry = zoo.find(name)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.]*", entry.id)
    assert entry.norm in ("none", "l2", "linf")
    assert (entry.norm == "none") == (entry.epsilon == 0)
    assert 0 <= entry.epsilon <= 16
    assert (entry.url is None) != (entry.page is None)
    assert urlsplit(entry.url or entry.page).scheme == "https"
    assert entry.sha256 is None or re.fullmatch("[0-9a-f]{64}", entry.sha256)
    assert (entry.mean is None) == (entry.std is None)
    for values in (entry.mean, entry.std):
        assert values is None or (len(values) == 3 and all(0 <= value <= 1 for value in values))
    assert entry.std is None or min(entry.std) > 0
    assert entry.input_size is None or 32 <= entry.input_size <= LARGEST
    assert entry.resize is None or entry.resize >= entry.crop
    assert entry.interpolation in ("bilinear", "bicubic")
    for accuracy in filter(None, (entry.clean, entry.autoattack)):
        assert 0 < accuracy.accuracy < 1, "percent instead of a fraction"
        assert accuracy.images in (1000, 5000, 50_000)
        assert accuracy.source
    assert entry.autoattack is None or entry.autoattack.accuracy < entry.clean.accuracy
    assert entry.source
    assert entry.licence
    assert key_rules.find(entry.keys)


@pytest.mark.parametrize("architecture", sorted({entry.architecture for entry in zoo.listed()}))
def test_every_architecture_is_built_with_a_head_for_features(architecture):
    with torch.device("meta"):
        network = networks.wrap(unwrapped(architecture, 1000), 1000)
    assert network.classifier.out_features == 1000


def test_ids_and_files_are_each_of_one_model():
    assert len({entry.id for entry in zoo.listed()}) == len({entry.file for entry in zoo.listed()}) == len(NAMES)


def test_the_grid_of_the_study_is_part_of_the_zoo():
    known = {entry.file: entry for entry in zoo.collection(released_files.COLLECTION)}
    for released in released_files.RELEASED:
        entry = known[released.file]
        assert (entry.norm, entry.epsilon, entry.url) == (released.norm, released.epsilon, released.address)


def test_published_names_of_the_same_weights_find_them():
    assert zoo.find("Salman2020Do_R50").file == "resnet50_linf_eps4.0.ckpt"
    assert zoo.find("Liu2023Comprehensive_Swin-L").name == "ARES_Swin_large_patch4_window7_224_AT"


def test_a_group_is_all_of_a_norm_or_a_collection():
    assert {entry.norm for entry in zoo.members("all linf")} == {"linf"}
    assert {entry.collection for entry in zoo.members("all ares")} == {"ares"}
    assert len(zoo.members("all ares")) == 12
    assert zoo.members("all") == zoo.listed()
    assert [entry.name for entry in zoo.members("Wong2020Fast")] == ["Wong2020Fast"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Liu2023Comprehensive_ConvNext-B", "did you mean Liu2023Comprehensive_ConvNeXt-B"),
        ("resnet18_linf_eps4", "did you mean Salman2020_resnet18_linf_eps4"),
        ("all l1", "expected all, all none, all linf, all l2, all advprop"),
    ],
)
def test_an_unknown_name_is_one_line_with_those_that_come_close(name, said):
    with pytest.raises(InputError, match=said) as raised:
        zoo.members(name)
    assert "\n" not in str(raised.value)


class Wrapped(nn.Module):
    """A network inside another, as ``robustness`` wraps those that have no features of their own."""

    def __init__(self, model):
        super().__init__()
        self.model = model


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("Salman2020_shufflenet_l2_eps3", "shufflenet_v2_x1_0"),
        ("Salman2020_mnasnet_l2_eps3", "mnasnet1_0"),  # asks for the version of its module
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_robust_kin_give_torchvisions_logits(name, network, wrapped, torchvision_network, network_of, by_hand, images):
    own = torchvision_network(network)
    content = checkpoint_of(Wrapped(own) if wrapped else own)
    torch.testing.assert_close(network_of(name, content)(images), by_hand(own, images), rtol=1e-3, atol=1e-3)


def test_what_the_card_says_of_a_model_of_the_zoo(torchvision_network, converted):
    own = torchvision_network("shufflenet_v2_x1_0")
    found = converted("Salman2020_shufflenet_l2_eps3", checkpoint_of(own))
    entry = zoo.find("Salman2020_shufflenet_l2_eps3")
    assert found.source["zoo"] == entry.name
    assert found.source["address"].endswith("/resolve/main/shufflenet_l2_eps3.ckpt")
    assert found.source["published_sha256"] == entry.sha256
    assert found.content["published_clean_accuracy"] == 0.4332
    assert found.content["mean"] == pytest.approx(IMAGENET[0])


def test_a_file_without_the_normaliser_that_its_entry_relies_on_is_refused(torchvision_network, converted):
    with pytest.raises(InputError, match="does not say how its images were normalised"):
        converted("Salman2020_shufflenet_l2_eps3", torchvision_network("shufflenet_v2_x1_0").state_dict())


def test_a_file_with_another_normaliser_than_its_entry_says_is_refused(torchvision_network, converted):
    own = AttackerModel(torchvision_network("resnet50"), Normalizer([0.5] * 3, [0.5] * 3))
    with pytest.raises(InputError, match="brings its own normaliser"):
        converted("Wong2020Fast", own.state_dict())


def test_a_state_dict_of_robustbench_gives_torchvisions_logits(torchvision_network, network_of, by_hand, images):
    own = torchvision_network("resnet50")
    content = {"state_dict": {f"module.model.{name}": tensor for name, tensor in own.state_dict().items()}}
    made = network_of("Engstrom2019Robustness", content)
    torch.testing.assert_close(made(images), by_hand(own, images), rtol=1e-3, atol=1e-3)


def test_weights_of_timm_are_normalised_as_their_entry_says(network_of, by_hand):
    own = trained_like(timm_network("tf_efficientnet_b0"))
    x = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    made = network_of("tf_efficientnet_b0_ap", own.state_dict())
    expected = by_hand(own, x, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    torch.testing.assert_close(made(x), expected, rtol=1e-3, atol=1e-3)
    assert made.input_size == 224


def test_a_checkpoint_of_timms_training_script_without_normalisation(network_of):
    own = timm_network("xcit_small_12_p16_224")
    x = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    content = {
        "args": argparse.Namespace(model="xcit_small_12_p16_224", lr=1e-3),
        "epoch": 99,
        "arch": "xcit_small_12_p16_224",
        "state_dict": own.state_dict(),
        "version": 2,
        "metric": 72.3,
    }
    with torch.no_grad():
        torch.testing.assert_close(
            network_of("Debenedetti2022Light_XCiT-S12", content)(x), own(x), rtol=1e-3, atol=1e-3
        )


def before_timm_0_9(network):
    """The tensors of a Swin transformer as timm named and kept them before version 0.9."""
    found = {}
    for name, tensor in network.state_dict().items():
        stage = re.match(r"layers\.(\d)\.downsample\.(.*)", name)
        old = f"layers.{int(stage[1]) - 1}.downsample.{stage[2]}" if stage else name
        found[old.replace("head.fc.", "head.")] = tensor
    found["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    found["layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(49, 49, dtype=torch.int64)
    return found


def test_old_names_of_a_swin_transformer_become_what_timm_itself_makes_of_them():
    from timm.models.swin_transformer import checkpoint_filter_fn

    network = timm_network("swin_tiny_patch4_window7_224", embed_dim=24, depths=(1, 2, 1, 1))
    old = before_timm_0_9(network)
    expected = checkpoint_filter_fn(dict(old), network)
    rule = key_rules.find("timm_swin")
    assert key_rules.renamed(old, rule) == expected
    # Whatever wraps the network, wherever its state_dict lies; what has today's names keeps them.
    inside = {"state_dict": {f"module.{name}": tensor for name, tensor in old.items()}, "epoch": 3}
    found = key_rules.renamed(inside, rule)
    assert found == {"state_dict": {f"module.{name}": tensor for name, tensor in expected.items()}, "epoch": 3}
    today = dict(network.state_dict())
    assert key_rules.renamed(today, rule) == today


def test_an_old_swin_transformer_gives_timms_logits(network_of, by_hand):
    own = timm_network("swin_small_patch4_window7_224")
    x = torch.rand((2, 3, 224, 224), generator=torch.Generator().manual_seed(0))
    made = network_of("ARES_Swin_small_patch4_window7_224_AT", before_timm_0_9(own))
    torch.testing.assert_close(made(x), by_hand(own, x), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("variant", "library", "name"),
    [("resnet152_gelu", "timm", "resnet152"), ("xcit_medium_12_p16_224", "timm", "xcit_medium_24_p16_224")],
)
def test_a_variant_differs_from_the_named_network_by_its_argument(variant, library, name):
    with torch.device("meta"):
        changed, named = unwrapped(f"variant/{variant}", 10), unwrapped(f"{library}/{name}", 10)
    if "gelu" in variant:
        assert changed.state_dict().keys() == named.state_dict().keys()
        assert not [module for module in changed.modules() if isinstance(module, nn.ReLU)]
    else:
        assert (len(changed.blocks), len(named.blocks)) == (12, 24)
    with pytest.raises(InputError, match=r"there is no variant 'resnet152_gela'; did you mean resnet152_gelu"):
        unwrapped("variant/resnet152_gela", 10)


def test_wide_resnet50_4_is_as_wide_as_it_says():
    with torch.device("meta"):
        network = unwrapped("variant/wide_resnet50_4", 10)
    assert network.layer1[0].conv2.weight.shape == (256, 256, 3, 3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ("models:\n- {wrong: x}\n", r"models\[0\] \(no name\): unknown wrong"),
        ("models:\n- {name: x}\n", r"models\[0\] \(x\): missing address, architecture"),
        ("models:\n- x\n", r"models\[0\]: expected keys and their values"),
        ("title: nothing\n", "models: missing"),
        ("clean: {images: 10}\nmodels:\n- {name: x, clean: 0.5}\n", "clean: 0.5; expected a fraction, or accuracy"),
    ],
)
def test_a_mistake_in_an_entry_is_one_line_that_names_it(changed, said, tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(changed)
    monkeypatch.setattr(zoo, "FOLDER", tmp_path)
    zoo.collection.cache_clear()
    with pytest.raises(InputError, match=said) as raised:
        zoo.collection("mine")
    assert str(tmp_path / "mine.yaml") in str(raised.value)
    assert "\n" not in str(raised.value)


def test_fields_that_are_described_are_those_that_there_are():
    for field in ("also", "architecture", "sha256", "keys", "input_size", "epsilon"):
        assert field in Entry._fields
        assert f"``{field}``" in str(Entry.__doc__)
