"""How a pod becomes a local process: volumes, environment, software, and what is said about it."""
