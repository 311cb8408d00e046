"""Layers as modules of other frameworks, one file each, imported only when used."""
