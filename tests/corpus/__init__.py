"""Nasty files, made at test time: what each holds and what must come of it is written here by hand."""
