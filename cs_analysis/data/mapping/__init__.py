"""How a client's own file becomes one of our tables, as the client file says."""
