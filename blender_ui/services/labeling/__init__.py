"""The label loop: lend a blind pair, take the outcome, undo it, answer it anew.

Touches: leases, comparisons and preferences, in short transactions.
Not for: accounts and roles (`people`), and learning from a vote (`ranking`).
"""
