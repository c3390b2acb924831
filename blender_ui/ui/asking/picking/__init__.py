"""Choosing the best of all answers of a round, or putting them in order: steps and drawing."""
