"""Events that begin and stop a round."""
