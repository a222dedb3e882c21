"""What lies in a folder of images is read, or named."""

import pytest

from tradeoffs.step.errors import InputError
from tradeoffs.step.folders import files


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("c.webp", "c.webp: an image that is not read; expected .jpeg, .jpg, .png: convert it, or take it out"),
        ("c.TIF", "c.TIF: an image that is not read"),
        ("more/c.png", "more: a folder among images, whose own are not read; put them into"),
    ],
)
def test_no_image_is_missed_in_silence(tmp_path, name, said):
    for each in ("a.png", "b.JPEG", "notes.txt", ".hidden/d.png"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    assert [path.name for path in files(tmp_path)] == ["a.png", "b.JPEG"]
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).touch()
    with pytest.raises(InputError) as raised:
        files(tmp_path)
    assert said in str(raised.value)
