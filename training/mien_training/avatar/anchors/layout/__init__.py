"""A mesh cut into discs, laid flat, and packed into a square."""
