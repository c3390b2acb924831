"""The label loop: lend a blind pair, take the outcome, undo it, answer it anew.

Touches: leases, comparisons and preferences, in short transactions.
Not for: who somebody is (`people`), and what is learnt from a vote (`ranking`).
"""
