"""Listeners that take their time: answers while they are written, and what follows their end."""
