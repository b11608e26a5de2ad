"""A computation graph as a picture. Read `picture.py` first, then `view.py`."""
