"""How good answers are beside references: tasks, metrics, a sandbox, attacks, and the run of an ensemble."""
