"""Ranking candidates by pairs: values, aggregation, the two speeds of ranker, and the calls over both.

Importing this package imports no model library; ``blender_ui.ranking.joint`` does.
"""
