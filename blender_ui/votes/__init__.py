"""Standing votes as arrays, and what they say of members and of rankers. Pure: no rows, no models."""
