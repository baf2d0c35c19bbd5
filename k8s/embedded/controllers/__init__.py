"""What happens after a write: garbage collection, namespaces, volumes, quota status."""
