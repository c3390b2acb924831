"""What a chooser learnt of the members, and whether choosing helps."""
