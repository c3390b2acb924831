"""The fast ranker: a head over a frozen reader's numbers, fitted in milliseconds, without torch."""
