"""Parts that networks of any method are built of."""
