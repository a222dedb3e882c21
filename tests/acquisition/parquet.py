"""Parquet files written by tests; where pyarrow is not installed, files of JSON and a stand-in that reads them."""

import base64
import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace

import pytest

TYPES = {int: "int64", str: "string", bytes: "binary", dict: "struct<bytes: binary, path: string>"}


def type_of(values):
    value = next((value for value in values if value is not None), None)
    if value is None:
        return "null"
    return f"list<element: {TYPES[type(value[0])]}>" if isinstance(value, list) else TYPES[type(value)]


def to_text(value):
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value


def from_text(content):
    return base64.b64decode(content["base64"]) if content.keys() == {"base64"} else content


def stand_in():
    """The part of pyarrow.parquet that is used, on files of JSON."""
    library = ModuleType("pyarrow.parquet")

    class ParquetFile:
        def __init__(self, path):
            content = json.loads(path.read_text(), object_hook=from_text)
            self.rows = content["rows"]
            types = [type_of(row[name] for row in self.rows) for name in self.rows[0]]
            metadata = {b"huggingface": json.dumps(content["said"]).encode()} if content["said"] else None
            self.schema_arrow = SimpleNamespace(names=list(self.rows[0]), types=types, metadata=metadata)

        def iter_batches(self, batch_size, columns):
            for start in range(0, len(self.rows), batch_size):
                found = [{name: row[name] for name in columns} for row in self.rows[start : start + batch_size]]
                yield SimpleNamespace(to_pylist=lambda found=found: found)

    library.ParquetFile = ParquetFile
    return library


@pytest.fixture(params=["stand-in", "pyarrow"])
def write(request, monkeypatch):
    """Return what writes rows to a parquet file, and what Hugging Face says of the features of its columns."""
    if request.param == "pyarrow":
        if not importlib.util.find_spec("pyarrow"):
            pytest.skip("pyarrow is not installed")
        import pyarrow
        import pyarrow.parquet

        def real(path, rows, features=None):
            table = pyarrow.Table.from_pylist(rows)
            if features:
                said = json.dumps({"info": {"features": features}})
                table = table.replace_schema_metadata({"huggingface": said})
            pyarrow.parquet.write_table(table, path)

        return real
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", stand_in())

    def imitated(path, rows, features=None):
        def plain(value):
            if isinstance(value, dict):
                return {key: to_text(part) for key, part in value.items()}
            return to_text(value)

        plain_rows = [{name: plain(value) for name, value in row.items()} for row in rows]
        path.write_text(
            json.dumps({"rows": plain_rows, "said": {"info": {"features": features}} if features else None})
        )

    return imitated
