"""Data sets as NumPy arrays: found or prepared through TFDS, decoded once, kept in a cache."""
