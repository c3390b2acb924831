"""What other trainers learn from: rows in the forms of SFT, KTO, DPO, best-of-n and rejection sampling.

Knows values and files, not rows of the store.
"""
