"""Translation beside PyTorch: an encoder and a decoder with attention learn, and answer."""
