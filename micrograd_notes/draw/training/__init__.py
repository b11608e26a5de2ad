"""A page that plays back a training run. Read `page.py` first."""
