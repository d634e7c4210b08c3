"""How anything long is run: run folders, checkpoints."""
