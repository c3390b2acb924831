"""Blender UI: compare LLM answers, learn from people's preferences, rank and fuse.

After "LLM-Blender", Jiang, Ren and Lin, ACL 2023, arXiv:2306.02561.
"""

__version__ = "0.1.0"
