"""The learner's function is called once, and what it computes is written to a tape."""
