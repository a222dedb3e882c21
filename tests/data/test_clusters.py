"""Tables that say one thing of each image: read in the order asked for, and a broken one is one line."""

from pathlib import Path

import numpy as np
import pytest

from tradeoffs.data import clusters, objectnet
from tradeoffs.data.clusters import Images
from tradeoffs.step.errors import InputError

GOOD = "path,cluster\nval/b.png,moon\nval/a.png,brick\nval/c.png,brick\n"


def images(root: Path, *names: str, table: str | None = GOOD) -> Images:
    root.mkdir(exist_ok=True)
    if table is not None:
        (root / "clusters.csv").write_text(table)
    return Images(root, [root / "val" / name for name in names])


def read(*sets: Images) -> list[int]:
    found = clusters.read(*sets)
    assert found is not None
    assert found.dtype == np.int64
    return found.tolist()


def test_images_are_numbered_by_the_name_of_their_cluster(tmp_path: Path) -> None:
    assert read(images(tmp_path, "a.png", "b.png", "c.png")) == [0, 1, 0]
    assert read(images(tmp_path, "b.png")) == [0]


def test_without_a_table_there_are_no_clusters(tmp_path: Path) -> None:
    assert clusters.read(images(tmp_path, "a.png", table=None)) is None
    assert clusters.read(images(tmp_path / "x", "a.png", table=None), images(tmp_path / "y", table=None)) is None


def test_a_name_is_one_cluster_in_all_sets_and_images_of_a_set_without_a_table_are_apart(tmp_path: Path) -> None:
    one, other = images(tmp_path / "one", "a.png", "b.png"), images(tmp_path / "other", "b.png", "c.png")
    assert read(one, other) == [0, 1, 1, 0]
    bare = images(tmp_path / "bare", *(f"{i}.png" for i in range(12)), table=None)
    assert read(bare, one) == [*range(12), 12, 13]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "not a readable table (it is empty)"),
        ("image,cluster\nval/a.png,x\n", "header is image,cluster; expected path,cluster; make the data set again"),
        ("path,cluster\nval/a.png,x\nval/b.png\n", "row 3 is 'val/b.png'; expected a path and a cluster"),
        ("path,cluster\nval/a.png,x\nval/b.png,\n", "row 3 is 'val/b.png,'; expected a path and a cluster"),
        ("path,cluster\nval/a.png,x,y\n", "row 2 is 'val/a.png,x,y'; expected a path and a cluster"),
        ("path,cluster\nval/a.png,x\nval/a.png,y\n", "row 3 lists val/a.png a second time"),
        ("path,cluster\nval/b.png,x\n", "does not list val/a.png; make the data set again, or remove the table"),
    ],
)
def test_a_broken_table_is_one_line_that_names_it(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(InputError) as raised:
        clusters.read(images(tmp_path, "a.png", table=table))
    assert str(raised.value).startswith(f"{tmp_path}/clusters.csv: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_what_an_objectnet_image_changes_is_a_word(tmp_path: Path) -> None:
    path = tmp_path / "images" / "a.png"
    assert objectnet.factors(tmp_path, [path]) is None
    table = tmp_path / "factors.csv"
    table.write_text("path,factor\nimages/a.png,size\n")
    assert objectnet.factors(tmp_path, [path]) == ["size"]
    for word in ("Size", "a b", "official"):
        table.write_text(f"path,factor\nimages/a.png,{word}\n")
        with pytest.raises(InputError, match=rf"factors.csv: a.png has factor '{word}'; expected a word of small"):
            objectnet.factors(tmp_path, [path])
