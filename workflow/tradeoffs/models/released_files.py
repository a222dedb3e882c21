"""The robust ImageNet models that Salman et al. 2020 (arXiv 2007.08489) released: file names, checksums, accuracies.

Clean accuracies are those of the model card at the address below, as fractions of the 50,000 validation images
(Resize(256), CenterCrop(224)). A checksum is None where none was published that we have seen; the download records
it at first use. Licence: MIT.
"""

from typing import NamedTuple

from tradeoffs.models.ids import model_id
from tradeoffs.step.errors import InputError

ADDRESS = "https://huggingface.co/madrylab/robust-imagenet-models/resolve/main/{file}"
SOURCE = "Salman et al. 2020, arXiv 2007.08489"


class ReleasedFile(NamedTuple):
    """One released checkpoint. ``epsilon`` as in model ids: linf in 1/255, l2 in pixel units; 0 with norm ``none``."""

    architecture: str
    norm: str
    epsilon: float
    clean_accuracy: float
    sha256: str | None

    @property
    def file(self) -> str:
        """File name as published: ``resnet18_l2_eps1.ckpt``, but ``resnet18_linf_eps1.0.ckpt``."""
        if self.norm == "linf":
            return f"{self.architecture}_linf_eps{self.epsilon:.1f}.ckpt"
        return f"{self.architecture}_l2_eps{self.epsilon:g}.ckpt"

    @property
    def model(self) -> str:
        """Id of the model in this workflow: ``resnet18_linf_eps1``, ``resnet18_standard``."""
        return model_id(self.architecture, self.norm, self.epsilon)

    @property
    def address(self) -> str:
        """Where the file is published."""
        return ADDRESS.format(file=self.file)


RELEASED = tuple(
    ReleasedFile(*row)
    for row in (
        ("resnet18", "none", 0.0, 0.6979, "d762c58693a2ecaf93160060bb2c32493598540a08852fb3068e95e88f032623"),
        ("resnet18", "l2", 0.01, 0.6990, None),
        ("resnet18", "l2", 0.03, 0.6924, None),
        ("resnet18", "l2", 0.05, 0.6915, None),
        ("resnet18", "l2", 0.1, 0.6877, None),
        ("resnet18", "l2", 0.25, 0.6743, "2bed566c554755a0f6f82ddbe83c707d259801308f966e787bcd287f969c7911"),
        ("resnet18", "l2", 0.5, 0.6549, "69a10462280f266ab855547fde0649ac909f06174ed8df83b8bf2ea0f6fc8150"),
        ("resnet18", "l2", 1.0, 0.6232, "92e6c37af550167c7c49c77ad31aad027de4e1f47fbef57546a48ef43626ebcf"),
        ("resnet18", "l2", 3.0, 0.5312, "b4315784a1a10257b05906aee94d6884678f7b77412d10100d7c05daa959eab0"),
        ("resnet18", "l2", 5.0, 0.4559, "d3ef126afdf9144a22020988dc46f552a0c39347e954c34359a3cb6bf83df186"),
        ("resnet18", "linf", 0.5, 0.6613, "48d5e933d4ec99b390a0b7c628a4303343f9517a46245cbd7d2f2c034cbd93ee"),
        ("resnet18", "linf", 1.0, 0.6346, "b49800111d38197deefb0c236055fbdd9d91a0607e55d6cc0bce15504adc9582"),
        ("resnet18", "linf", 2.0, 0.5963, "bf2611291cc5f792c7f8f17ff6f841f9a0ede32dbe575cbd5bc57233139ae8bd"),
        ("resnet18", "linf", 4.0, 0.5249, "6f8ccef1ae4958c381617081e9e0fb5f50e7cccd4965192d1caa452fd6c5cd1e"),
        ("resnet18", "linf", 8.0, 0.4211, None),
        ("resnet50", "none", 0.0, 0.7580, "72d4a99582db5d7fa86c3fd2a089f0bfd6a10f69d635bca51f6ad72ac6b458f0"),
        ("resnet50", "l2", 0.01, 0.7568, None),
        ("resnet50", "l2", 0.03, 0.7576, None),
        ("resnet50", "l2", 0.05, 0.7559, None),
        ("resnet50", "l2", 0.1, 0.7478, "3298f8cf689e514d096df883ab491a11ee32c3b8d456d674add29d7b50721a43"),
        ("resnet50", "l2", 0.25, 0.7414, None),
        ("resnet50", "l2", 0.5, 0.7316, "a5fc6fcc54946b73af7bd74289b0003cc9d2744fa0ff55c1a3d9fb2bce8fbd30"),
        ("resnet50", "l2", 1.0, 0.7043, "09f5273a568830ae23caf9162a06f4831a920293e0da1801aa182289052dcf90"),
        ("resnet50", "l2", 3.0, 0.6283, "380b14e6f9750bffa1447cf7017f65da4dc5ce71a3dd112f107515dcf7b14d9d"),
        ("resnet50", "l2", 5.0, 0.5613, "c50db4bbd9a61bc0e0a33290e1f07a79080e16489aa5ada869efc88306f497be"),
        ("resnet50", "linf", 0.5, 0.7373, "9612d8096ef5378b4a32746072f72fedcb02c7ff4b747bc7163274f7ec2f0fd8"),
        ("resnet50", "linf", 1.0, 0.7205, None),
        ("resnet50", "linf", 2.0, 0.6910, "59f28de783a049cb4d91ba1c0a09c314db2cc4bb1e859566e023f842b02772ac"),
        ("resnet50", "linf", 4.0, 0.6386, "9e62216975c111b8081481533b6142dec34be69abe5d90b54d7f860015c263db"),
        ("resnet50", "linf", 8.0, 0.5453, "b907957f8e3ce209816813d8811c682e965a1b0f48455def828d35a4cc2953dc"),
    )
)


def find(architecture: str, norm: str, epsilon: float) -> ReleasedFile:
    """Return the released checkpoint of a model; InputError, with what there is, where none was released."""
    same = [entry for entry in RELEASED if entry.architecture == architecture and entry.norm == norm]
    for entry in same:
        if entry.epsilon == epsilon:
            return entry
    choice = ", ".join(f"{entry.epsilon:g}" for entry in same)
    there = f"budgets {choice} were" if same else "only resnet18 and resnet50 with norm none, l2 or linf were"
    raise InputError(
        f"models: no released checkpoint for {architecture}, norm {norm}, epsilon {epsilon:g}; {there} released"
    )
