"""What is trained becomes files that engines load: glTF, ONNX and the character package."""
