"""What runs mean: uncertainty over seeds, noise of gradients, states and their gradients.

Nothing here knows a data set, a flag or a training run: functions of arrays, cells and losses.
"""
