"""Layers that tag every step, beside PyTorch: chorales, and strings of digits by CTC."""
