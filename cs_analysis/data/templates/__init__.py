"""The blank templates, made from the schema."""
