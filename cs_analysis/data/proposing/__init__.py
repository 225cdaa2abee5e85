"""A mapping proposed for files that nobody has mapped: what is sure, and what has to be asked."""
