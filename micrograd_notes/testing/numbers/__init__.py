"""Numbers with more digits, derivatives from differences, and forward mode."""
