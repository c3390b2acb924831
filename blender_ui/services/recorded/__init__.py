"""Rounds that were recorded once and come with the package: questions with answers, ranking and fusion.

Touches: the package's file of them, and rows of one project of their own.
Not for: people's votes on them, which are votes like any other.
"""
