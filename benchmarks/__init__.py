"""Speed beside the peers, and in absolute terms."""
