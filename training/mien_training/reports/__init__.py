"""Parts of report pages: HTML, charts, still images of heads, blendshape sheets."""
