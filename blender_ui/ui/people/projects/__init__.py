"""The projects page: what is asked, of whom, and how far it is."""
