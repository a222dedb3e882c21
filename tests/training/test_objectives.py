"""What trainings lower: beside plain loops written here, and what a network that was trained so withstands."""

import json

import pytest
import torch
import torch.nn.functional as F

from tradeoffs.models.networks import build
from tradeoffs.runner import commands
from tradeoffs.training import loop, train
from tradeoffs.training.attack import perturb
from tradeoffs.training.monitoring import ten_steps
from tradeoffs.training.settings import Settings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(miniature):
    return miniature / "imagenet"


def trained(spec, data, initial=None):
    settings = Settings(**spec)
    return loop.train(settings, *train.sources(settings, data, CPU), CPU, initial=initial)


def doubled(source):
    """Return the images in 64 bits: what two loops differ by is then no rounding."""
    return source._replace(batches=lambda parts, epoch: ((x.double(), y) for x, y in source.batches(parts, epoch)))


@pytest.fixture
def in_64_bits():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def plain_loop(spec, data, objective, steps):
    """One epoch in l2, as the papers write it: no folding, no projection of ours, no resuming."""
    epsilon, size, seed = spec["epsilon"], spec["attack_step_size"] * spec["epsilon"], spec["seed"]
    split, _ = map(doubled, train.sources(Settings(**spec), data, CPU))
    torch.manual_seed(seed)
    network = build(spec["architecture"], split.classes)
    optimizer = torch.optim.SGD(
        network.parameters(), momentum=spec["momentum"], nesterov=True, weight_decay=spec["weight_decay"], lr=1
    )
    generator = torch.Generator().manual_seed(seed * 10_000)
    parts = torch.randperm(split.size, generator=generator).split(spec["batch_size"])
    for number, part in enumerate(parts):
        ((x, y),) = split.batches([part], 0)
        network.eval()
        direction = torch.randn(x.shape, generator=generator)
        radius = torch.rand(len(x), generator=generator) ** (1 / x[0].numel())
        reach = epsilon * radius / direction.flatten(1).norm(dim=1)
        adversarial = (x + direction * reach[:, None, None, None]).clamp(0, 1)
        natural = network(x).detach()
        for _ in range(steps):
            adversarial.requires_grad_(True)
            logits = network(adversarial)
            if objective == "trades":
                loss = F.kl_div(F.log_softmax(logits, 1), F.softmax(natural, 1), reduction="sum")
            else:
                loss = F.cross_entropy(logits, y, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, adversarial)
            length = gradient.flatten(1).norm(dim=1)[:, None, None, None].clamp(min=1e-30)
            delta = adversarial.detach() + size * gradient / length - x
            far = delta.flatten(1).norm(dim=1)[:, None, None, None]
            adversarial = (x + delta * (epsilon / far).clamp(max=1)).clamp(0, 1)
        network.train()
        optimizer.zero_grad()
        if objective == "trades":
            clean, attacked = network(x), network(adversarial)
            apart = F.kl_div(F.log_softmax(attacked, 1), F.softmax(clean, 1), reduction="batchmean")
            loss = F.cross_entropy(clean, y) + spec["trades_beta"] * apart
        else:
            loss = F.cross_entropy(network(adversarial), y)
        loss.backward()
        for group in optimizer.param_groups:
            group["lr"] = spec["learning_rate"] * loop.one_cycle(number / len(parts))
        optimizer.step()
    return network


@pytest.mark.parametrize(("objective", "steps"), [("pgd", 1), ("pgd", 10), ("trades", 1), ("trades", 10), ("noise", 0)])
@pytest.mark.usefixtures("in_64_bits")
def test_an_epoch_ends_with_the_weights_of_a_plain_loop(data, training, objective, steps):
    spec = training | {"norm": "l2", "epsilon": 0.5, "epochs": 1, "objective": objective, "attack_step_size": 0.25}
    spec |= {"attack_steps": max(1, steps), "attack_warm_up": 0.0, "trades_beta": 6.0, "schedule": "one_cycle"}
    settings = Settings(**spec)
    network, _ = loop.train(settings, *map(doubled, train.sources(settings, data, CPU)), CPU)
    plain = plain_loop(spec, data, objective, steps)
    torch.manual_seed(spec["seed"])
    begun = moved(build(spec["architecture"], 10))
    ours, theirs = moved(network) - begun, moved(plain) - begun
    assert (ours - theirs).norm() < 1e-6 * theirs.norm()


def moved(network):
    return torch.cat([parameter.detach().flatten() for parameter in network.parameters()])


def test_the_default_is_pgd_to_the_last_bit(data, training):
    spec = training | {"norm": "linf", "epsilon": 0.03, "epochs": 1}
    states = [trained(spec | more, data)[0].state_dict() for more in ({}, {"objective": "pgd", "trades_beta": 1.0})]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


@pytest.mark.parametrize("norm", ["l1", "l2", "linf"])
def test_noise_is_in_the_ball_and_asks_the_network_nothing(norm):
    class Deaf(torch.nn.Module):
        def forward(self, x):
            raise AssertionError("the network was asked")

    x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    settings = Settings("basic", norm, 0.2, 0, 10, None, "none", 1, 2, 0.1, "step", 0.9, 0.0, 3, 1.0, 5)
    noisy = perturb(
        Deaf(), x, torch.zeros(4).long(), settings._replace(objective="noise"), torch.Generator().manual_seed(0)
    )
    order = {"l1": 1, "l2": 2, "linf": torch.inf}[norm]
    size = (noisy - x).flatten(1).norm(p=order, dim=1)
    assert (size > 0.05).all()
    assert (size <= 0.2 + 1e-5).all()
    assert noisy.min() >= 0
    assert noisy.max() <= 1


@pytest.mark.parametrize(("norm", "epsilon", "objective"), [("l1", 12.0, "pgd"), ("l2", 2.5, "trades")])
def test_training_against_an_adversary_makes_more_robust_and_on_noise_does_not(
    data, training, norm, epsilon, objective
):
    spec = training | {"norm": norm, "epsilon": epsilon, "epochs": 30, "attack_steps": 5, "attack_step_size": 0.5}
    split, _ = train.sources(Settings(**spec), data, CPU)
    ((x, labels),) = split.batches([torch.arange(split.size)], 0)

    def robust(**changed):
        network, _ = trained(spec | changed, data)
        attacked = Settings(**training | {"norm": norm, "epsilon": epsilon})
        return ten_steps(network, x, labels, attacked, torch.Generator().manual_seed(0))

    assert robust(objective=objective) > robust(objective="noise") + 0.2


def run(spec, data, folder, *more):
    arguments = ["--spec", json.dumps(spec), "--data", str(data), *map(str, more)]
    return commands.main(
        ["train", *arguments, "--weights", str(folder / "weights.pt"), "--card", str(folder / "card.json")]
    )


def test_fine_tuning_begins_with_the_weights_it_is_given(tmp_path, data, training):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    assert run(training | {"epochs": 3}, data, first) == 0
    begun = torch.load(first / "weights.pt", weights_only=True)
    # At a learning rate of next to nothing the weights stay what they were.
    still = training | {"norm": "linf", "epsilon": 0.01, "epochs": 1, "learning_rate": 1e-12, "seed": 5}
    assert run(still, data, second, "--start", first / "weights.pt") == 0
    ended = torch.load(second / "weights.pt", weights_only=True)
    for name in (name for name in begun if name.endswith("weight")):
        torch.testing.assert_close(ended[name], begun[name], rtol=1e-6, atol=1e-7)
    card = json.loads((second / "card.json").read_text())
    assert card["start_sha256"] == json.loads((first / "card.json").read_text())["weights_sha256"]


def test_a_checkpoint_of_another_beginning_is_not_gone_on_from(tmp_path, training):
    (tmp_path / "begun.pt").write_bytes(b"some")
    (tmp_path / "other.pt").write_bytes(b"others")
    beginnings = (None, tmp_path / "begun.pt", tmp_path / "other.pt")
    assert len({train.key(Settings(**training), "data", begun) for begun in beginnings}) == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"norm": "l1", "epsilon": 0}, "epsilon = 0 with norm l1; expected a budget of more than 0, or norm none"),
        ({"objective": "mart"}, "objective = 'mart'; choose one of pgd, trades, noise"),
        ({"precision": "float16"}, "precision = 'float16'; choose one of auto, float32, bfloat16"),
    ],
)
def test_what_cannot_be_trained_is_one_line(tmp_path, data, training, capsys, change, message):
    assert run(training | change, data, tmp_path) != 0
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_weights_of_another_architecture_are_one_line(tmp_path, data, training, capsys):
    torch.save(build("bottleneck", 10).state_dict(), tmp_path / "other.pt")
    assert run(training, data, tmp_path, "--start", tmp_path / "other.pt") != 0
    error = capsys.readouterr().err
    assert "other.pt" in error
    assert "Traceback" not in error
