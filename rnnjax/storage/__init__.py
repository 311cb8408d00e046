"""Files that are whole or not there, and lists of their digests."""
