"""What the portal needs of a Kubernetes API: of the embedded cluster, and of a real one when offered."""
