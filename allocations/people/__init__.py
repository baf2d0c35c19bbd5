"""Persons, their institutions and identities, and the roles they hold."""
