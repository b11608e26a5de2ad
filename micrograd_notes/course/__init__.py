"""The notebooks as a web site (`site.py`), and the check of their exercises (`exercises.py`)."""
