"""What a project should have on a cluster, and the one way to bring it about and to measure it."""
