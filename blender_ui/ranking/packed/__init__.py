"""How a frozen causal model reads many answers in little time: rows without padding, and no whole tables.

Invariant: the same numbers as a plain forward pass, up to rounding. Non-goal: which numbers are kept.
"""
