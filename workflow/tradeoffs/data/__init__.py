"""Data sets: one reader per published layout, and the miniature that is written in those layouts."""
