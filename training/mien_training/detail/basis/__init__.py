"""Linear spaces of skin detail, and how they are made."""
