"""Kinds of task: learnt from the store's prompts, the same in every process, kept in the home folder.

Touches: rows of prompts, and one file of the home folder.
Not for: a version's kinds, which lie beside it (`versions`), and how kinds are learnt (the engine `tasks`).
"""
