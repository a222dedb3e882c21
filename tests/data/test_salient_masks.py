"""A mask lies on what it marks, whether it is of its image's size or, as published, of the view of a network."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from torchvision import transforms

from tradeoffs.data import images
from tradeoffs.data.images import Geometry, image
from tradeoffs.data.salient_masks import CROPPED, RESIZED, mask
from tradeoffs.step.errors import InputError

VIEW = transforms.Compose([transforms.Resize(RESIZED), transforms.CenterCrop(CROPPED)])


SIZES = [(500, 375), (333, 500), (400, 400)]


@pytest.fixture(params=[*SIZES, (CROPPED, CROPPED)])
def marked(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder with an image of a white object on black, and its mask in both sizes."""
    width, height = request.param
    picture = Image.new("L", (width, height))
    ImageDraw.Draw(picture).ellipse((width * 0.15, height * 0.2, width * 0.5, height * 0.6), fill=255)
    picture.convert("RGB").save(tmp_path / "image.png")
    picture.save(tmp_path / "whole.png")
    VIEW(picture).save(tmp_path / "view.png")
    return tmp_path


@pytest.mark.parametrize("kind", ["whole", "view"])
@pytest.mark.parametrize("scale", [1, 2])
def test_a_mask_lies_on_what_it_marks(marked: Path, kind: str, scale: int) -> None:
    if kind == "whole" and images.size(marked / "image.png") == (CROPPED, CROPPED):
        kind = "view"  # a mask of 224 x 224 is of the view, of this image too
    geometry = Geometry(resize=RESIZED * scale, crop=CROPPED * scale)
    shown = image(marked / "image.png", geometry)[..., 0].astype(float)
    found = mask([marked / f"{kind}.png"], marked / "image.png", geometry).astype(float)
    assert found.shape == shown.shape
    assert shown.mean() > 10
    # Bigger than was stored, its edge is softer; nothing else differs.
    assert np.abs(found - shown).mean() < (1e-9 if scale == 1 or kind == "whole" else 1.5)


@pytest.mark.parametrize("marked", SIZES, indirect=True)
def test_another_part_of_the_image_and_another_size_are_named(marked: Path) -> None:
    files = [marked / "view.png"], marked / "image.png"
    with pytest.raises(InputError, match="resize = 224 and crop = 224 leave another; give them in that proportion"):
        mask(*files, Geometry(resize=224, crop=224))
    with Image.open(marked / "view.png") as view:
        smaller = view.resize((100, 50))
    smaller.save(marked / "view.png")
    with pytest.raises(InputError, match=r"view.png: 100x50 pixels; expected those of its image .* or 224x224 as publ"):
        mask(*files, Geometry(resize=RESIZED, crop=CROPPED))
