"""Data sets: one reader per published layout, and what their tables and names mean."""
