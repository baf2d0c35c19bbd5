"""A Kubernetes API server for laptops and tests, served from this process; see docs/adr/0002-embedded-cluster.md."""
