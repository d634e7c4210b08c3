"""What several images of one moment show of the same places of a surface."""
