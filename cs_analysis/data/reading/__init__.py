"""How files and databases become texts: which place holds which table, where its header is, which rows are data."""
