"""Relief of the skin: where it is kept, how light falls on it, heads drawn with it."""
