"""Faults that show across rows and tables, each with what hangs on it."""
