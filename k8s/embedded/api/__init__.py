"""What clients talk to: HTTP, routes, verbs, watches, discovery."""
