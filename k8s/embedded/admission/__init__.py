"""Checks between a well-formed write and the store: namespaces, priorities, limits, pod security, quota."""
