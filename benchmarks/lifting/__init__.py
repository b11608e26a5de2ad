"""One training step, by us and by peers: what `lift.py` and `lift_growth.py` time.

`work` says what is learned and `peer` what every peer hands out. Each `in_...` does the work with
one library. `turns` runs the peers side by side, `goals` judges the times and `picture` draws them.
"""
