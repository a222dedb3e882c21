"""The WordNet ids (wnids) that name ImageNet's classes, in the order of their class indices.

``PUBLISHED`` (``wnids.txt``) are the 1,000 classes of ILSVRC2012 in sorted order, which is that of every published
network's outputs (RIVAL10's wnid_to_class.json, among others, lists them). ``MINIATURE`` are those of the miniature: a
class's number.
"""

from pathlib import Path

from tradeoffs.step.inputs import read_text

MINIATURE = tuple(f"n{label:08d}" for label in range(10))
PUBLISHED = tuple(read_text(Path(__file__).with_suffix(".txt")).split())
