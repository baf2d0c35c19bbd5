"""Proposals as files that people read, print and keep."""
