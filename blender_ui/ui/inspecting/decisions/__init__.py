"""The inspect page: one decision of the ranker beside what people said, and the members' ratings."""
