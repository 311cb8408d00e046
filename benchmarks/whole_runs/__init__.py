"""The ``keras50`` run written for the peers, each a process of its own from start to result."""
