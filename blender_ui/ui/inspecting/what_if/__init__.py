"""What a version would say of other texts, and why."""
