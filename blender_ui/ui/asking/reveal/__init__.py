"""The card after the vote: names, the choice, the ranker's bet, how ratings moved."""
