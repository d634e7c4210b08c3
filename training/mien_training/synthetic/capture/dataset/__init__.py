"""Captured moments on disk: made shard by shard, packed, read back."""
