"""How good the labels are: agreement, each annotator beside the others, gold pairs, rulings.

Touches: labels as columns, gold pairs and adjudications.
Not for: how good members or rankers are (`inspecting`).
"""
