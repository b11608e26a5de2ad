"""Operations on arrays become source that a person can read. Read `emit.py` first."""
