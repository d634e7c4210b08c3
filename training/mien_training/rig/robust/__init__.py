"""What keeps every frame: errors of each, steps held back, lost frames started again."""
