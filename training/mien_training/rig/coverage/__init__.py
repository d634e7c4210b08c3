"""What footage says about each shape, and what to shoot again."""
