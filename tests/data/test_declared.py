"""What a data set is and where it comes from is declared in one file; a mistake in it is one line with file and key."""

import pytest
import yaml

from project_root import ROOT
from tradeoffs.step.declared_data import data
from tradeoffs.step.errors import InputError
from tradeoffs.study import published_data, schema

GOOD = {
    "title": "Birds",
    "licence": "CC BY 4.0",
    "forbids": "nothing",
    "folder": "birds",
    "archive": {"file": "birds.tar.gz", "kind": "tar.gz", "urls": ["https://example.org/b.tar.gz", "http://mirror/b"]},
}
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def declared(at, **changes):
    """Declare the good data set with changes at dotted paths (dots as two underscores); None removes a key."""
    content = yaml.safe_load(yaml.safe_dump(GOOD))
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = content
        for key in parents:
            target = target[key]
        target[last] = value
        if value is None:
            del target[last]
    (at / "birds.yaml").write_text(yaml.safe_dump(content))
    return at


def test_the_six_are_declared_and_each_has_a_reader():
    assert set(data()) == {"imagenet", "rival10", "salient_imagenet", "imagenet9", "waterbirds", "objectnet"}
    for name in data():
        assert (ROOT / f"workflow/tradeoffs/data/{name}.py").is_file()


def test_one_more_file_is_one_more_data_set(tmp_path, monkeypatch):
    found = dict(data()) | dict(data(declared(tmp_path, archive__sha256="0" * 64, files={"a/b.csv": ["http://h/b"]})))
    for module in (published_data, schema):
        monkeypatch.setattr(module, "data", lambda: found)
    schema.schema.cache_clear()
    try:
        places = schema.schema(SCHEMA)["properties"]["imagenet"]["properties"]["data"]["properties"]
    finally:
        schema.schema.cache_clear()
    assert places["birds"]["properties"].keys() == {"path", "accept_licence", "urls", "sha256", "files"}
    nothing = {"path": None, "accept_licence": False, "urls": None, "sha256": None}
    study = {"data": dict.fromkeys(found, nothing) | {"birds": nothing | {"accept_licence": True}}}
    study["data"]["birds"]["files"] = {"a/b.csv": None}
    assert "birds" not in published_data.missing(study)
    assert published_data.downloads(study) == {
        "birds.tar.gz": {"urls": GOOD["archive"]["urls"], "sha256": "0" * 64, "md5": None, "size": None},
        "b.csv": {"urls": ["http://h/b"], "sha256": None, "md5": None, "size": None},
    }
    assert published_data.unpacking("birds") == {"kind": "tar.gz", "password": None, "members": None}
    assert published_data.parts(study, "birds") == {
        "birds": "resources/unpacked/birds/birds",
        "a/b.csv": "resources/downloads/b.csv",
    }


def test_only_a_publisher_without_conditions_needs_no_word():
    places = schema.schema(SCHEMA)["properties"]["imagenet"]["properties"]["data"]["properties"]
    defaults = {name: part["properties"].get("accept_licence", {}).get("default") for name, part in places.items()}
    assert {name for name, default in defaults.items() if default} == {"imagenet9"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": None}, "title is missing; expected title, licence, forbids"),
        ({"title": 3}, "title = '3'; expected text"),
        ({"license": "x"}, "license: unknown key; expected title, licence"),
        ({"folder": None}, "folder is missing; expected the name of the folder that the archive holds"),
        ({"conditions": "some"}, "conditions = 'some'; expected none, or leave it out"),
        ({"archive": "birds.zip"}, "archive = 'birds.zip'; expected keys"),
        ({"archive__urls": []}, r"archive.urls = '\[\]'; expected a list of addresses"),
        ({"archive__urls": ["ftp://h/b"]}, "archive.urls = .*http:// or https://"),
        ({"archive__kind": "rar"}, "archive.kind = 'rar'; expected zip or tar.gz"),
        ({"archive__password": "secret"}, "archive.password: a tar.gz archive has none"),
        ({"archive__file": "../b.tar.gz"}, "archive.file = .*expected the name of a file"),
        ({"archive__file": "x$(id).zip"}, "archive.file = .*expected the name of a file"),
        ({"archive__sha256": "abc"}, "archive.sha256 = 'abc'; expected 64 lower-case hex digits"),
        ({"archive__size": -1}, "archive.size = '-1'; expected a number of bytes"),
        ({"archive__members": []}, "archive.members = .*expected a list of globs"),
        ({"files": {"/a": ["http://h/a"]}}, "files = .*expected places in the data set"),
        ({"miniature": {"images": "many"}}, "miniature = .*expected images"),
    ],
)
def test_a_mistake_is_one_line_with_file_and_key(changes, said, tmp_path):
    with pytest.raises(InputError, match=rf"^{tmp_path}/birds.yaml: {said}") as raised:
        data(declared(tmp_path, **changes))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "a: b: c", "\x00"])
def test_what_is_no_declaration_is_one_line(text, tmp_path):
    (tmp_path / "birds.yaml").write_text(text)
    with pytest.raises(InputError, match=rf"^{tmp_path}/birds.yaml") as raised:
        data(tmp_path)
    assert "\n" not in str(raised.value)
