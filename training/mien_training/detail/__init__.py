"""Static and dynamic skin detail (HiFace, Chai et al. 2023): bases, fitting, export."""
