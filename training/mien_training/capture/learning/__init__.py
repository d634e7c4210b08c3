"""How the stages after the first mesh learn: from moments that were read once."""
