"""A whole installation in one file: the archive of every row, backups and snapshots.

Touches: every table, and the trained models' folders.
Not for: preferences that people exchange; `data` imports and exports those.
"""
