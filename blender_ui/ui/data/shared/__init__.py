"""The list of rounds that people share by a link."""
