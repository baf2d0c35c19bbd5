"""Lots and the split of pools."""
