"""What an expression changes on the anchor atlas."""
