"""Which pair to show next, and on which side each answer stands. Pure; every coin is a seed's."""
