"""One revision a file, applied in the order of their numbers."""
