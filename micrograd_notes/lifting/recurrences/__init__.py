"""Loops whose steps a tape has one after another become alike. Read `starts.py` first."""
