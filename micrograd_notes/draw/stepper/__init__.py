"""Pages with a player: the stepper and the flip book. Read `backward.py` first."""
