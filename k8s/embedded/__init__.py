"""A Kubernetes API server for laptops and tests, in this process; see docs/adr/0002-embedded-cluster.md."""
