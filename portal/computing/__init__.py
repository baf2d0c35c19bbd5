"""Runs computed in a process of their own."""
