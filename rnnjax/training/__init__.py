"""Training on the device: batches, the loop, and what a run leaves behind.

Nothing here knows a cell or a dataset.
"""
