"""Seeded damage inside the structures of what a reader takes, one file per structure."""
