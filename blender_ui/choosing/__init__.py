"""Which members to ask: the kind of a prompt, each member's expected quality on it, and the best set of k.

Knows texts and numbers, no rows, and needs no torch.
"""
