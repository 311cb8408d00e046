"""The frame of every experiment: settings as flags, and the order of a run."""
