"""Several meshes in one image: what is drawn with the head, what each pixel shows."""
