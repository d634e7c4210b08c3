"""MonoAvatar's volume (Bai et al. 2023): a radiance field that hangs on the posed anchors."""
