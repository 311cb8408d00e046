"""Studies that compare runs of the experiments, and the page that shows them."""
