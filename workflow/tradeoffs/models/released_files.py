"""The robust ResNet-18 and ResNet-50 of Salman et al. 2020, which the imagenet study compares: files, accuracies.

They are part of the zoo (``zoo/salman2020.yaml``).
"""

from typing import NamedTuple

from tradeoffs.models import zoo
from tradeoffs.models.ids import model_id
from tradeoffs.step.errors import InputError

COLLECTION = "salman2020"
ARCHITECTURES = ("resnet18", "resnet50")
_RELEASED = zoo.collection(COLLECTION)
ADDRESS: str = str(_RELEASED[0].address)
SOURCE: str = _RELEASED[0].source


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
    ReleasedFile(entry.architecture, entry.norm, entry.epsilon, entry.clean.accuracy, entry.sha256)
    for entry in _RELEASED
    if entry.architecture in ARCHITECTURES
)


def by_file(name: str) -> ReleasedFile | None:
    """Return what was published of the file of a name; None where it is not one of the released."""
    return next((entry for entry in RELEASED if entry.file == name), None)


def find(architecture: str, norm: str, epsilon: float) -> ReleasedFile:
    """Return the released checkpoint of a model; InputError, with what there is, where none was released."""
    same = [entry for entry in RELEASED if entry.architecture == architecture and entry.norm == norm]
    for entry in same:
        if entry.epsilon == epsilon:
            return entry
    choice = ", ".join(f"{entry.epsilon:g}" for entry in same)
    there = f"budgets {choice} were" if same else "only resnet18 and resnet50 with norm none, l2 or linf were"
    raise InputError(
        f"config: imagenet: no checkpoint was released for {architecture}, norm {norm}, epsilon {epsilon:g}; {there} "
        "released: correct architectures or budgets, or train it (source: train)"
    )
