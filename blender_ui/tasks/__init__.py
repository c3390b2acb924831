"""What a prompt asks for: an encoder that reads it in a fraction of a millisecond, and kinds of task.

Knows texts and numbers, no rows, and needs no torch.
"""
