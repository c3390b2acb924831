"""Which pair to show next, and on which side each answer stands. Pure; every draw follows from a seed."""
