"""What the portal needs of a Kubernetes API, held against the embedded cluster and, when offered, a real one."""
