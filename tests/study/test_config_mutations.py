"""A part of the mutations of tests/study/config_mutations.py, which says what they are."""

from itertools import islice

import pytest

from study import config_mutations


@pytest.mark.parametrize("start", range(4))
def test_a_changed_config_is_refused_in_one_line_or_planned(start, tmp_path):
    for split in ("train", "val"):
        (tmp_path / split).mkdir()
    verdicts = set()
    for kind, path, value in islice(config_mutations.mutations(), start * 9, None, 36):
        verdict, said, _ = config_mutations.judged(config_mutations.changed(kind, path, value, tmp_path))
        assert verdict != "fault", f"{kind} {path} = {str(value)[:80]!r}: {said}"
        verdicts.add(verdict)
    assert verdicts == {"refused", "accepted"}
