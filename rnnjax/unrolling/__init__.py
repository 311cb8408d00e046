"""The engine: a cell run over a sequence, forward and back."""
