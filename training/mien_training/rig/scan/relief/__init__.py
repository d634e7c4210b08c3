"""What a scan's normal map says of the skin."""
