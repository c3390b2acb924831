"""Standing votes as arrays: ratings of members and reports on rankers. Pure: no rows, no models."""
