"""How good answers are beside references: tasks, metrics, a sandbox for code, and attacks on the input."""
