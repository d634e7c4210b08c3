"""An avatar out of a character package, moved and drawn; numpy and ONNX Runtime, no torch."""
