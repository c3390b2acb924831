"""The quality page: how far people agree, each annotator beside the others, and rulings on disagreements."""
