"""Cameras from the files of other tools: COLMAP, OpenCV, Kalibr, NeRF's transforms.json."""
