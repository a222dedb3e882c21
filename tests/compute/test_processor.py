"""Whoever asks a processor for bfloat16 that has none is told so before hours are gone."""

from pathlib import Path

import pytest

from tradeoffs.compute import processor


@pytest.mark.parametrize(
    ("description", "precision", "said"),
    [
        ("flags\t\t: fpu avx2 fma", "bfloat16", True),
        ("flags\t\t: fpu avx2 fma", "auto", False),
        ("flags\t\t: fpu avx2 fma", "float32", False),
        ("flags\t\t: avx512f avx512_bf16", "bfloat16", False),
        ("flags\t\t: avx512f amx_bf16 amx_tile", "bfloat16", False),
        ("Features\t: fp asimd bf16 i8mm", "bfloat16", False),
        (None, "bfloat16", False),  # another system, where it is not known
    ],
)
def test_bfloat16_without_instructions_for_it_is_said(
    description: str | None, precision: str, said: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    if description is not None:
        path.write_text(f"processor\t: 0\n{description}\n")
    monkeypatch.setattr(processor, "_DESCRIPTION", path)
    line = processor.slow_bfloat16(precision)
    assert (line is not None) == said
    assert line is None or ("training.precision is bfloat16" in line and "set it to auto" in line)
