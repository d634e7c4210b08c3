"""How anything long is run: run folders, checkpoints, progress, devices, training."""
