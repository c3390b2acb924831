"""The members' ratings."""
