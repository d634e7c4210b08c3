"""The linear step of capture learns from scans of the people who will be captured."""
