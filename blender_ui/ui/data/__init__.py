"""The data page: bring preferences in, see what there is, take them out."""
