"""A page that shows how well a take was captured."""
