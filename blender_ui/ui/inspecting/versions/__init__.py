"""Versions of the ranker: one, and two beside each other."""
