"""How anything long is run: run folders, caches, checkpoints, progress, devices, training."""
