"""Language models beside the peers: learning to predict symbols, and writing them."""
