"""What a network reads from images of skin, where the linear fit cannot tell."""
