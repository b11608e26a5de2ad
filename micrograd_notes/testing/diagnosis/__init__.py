"""The findings of a check at a point and around it, and the report on them."""
