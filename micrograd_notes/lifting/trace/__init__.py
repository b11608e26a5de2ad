"""The learner's function is called once and recorded on a tape. Read `traced.py` first."""
