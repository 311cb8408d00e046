"""A network that draws, for every side of the comparison."""
