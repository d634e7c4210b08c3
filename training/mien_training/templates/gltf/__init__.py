"""Any glTF head whose morph targets carry ARKit names, packed or plain."""
