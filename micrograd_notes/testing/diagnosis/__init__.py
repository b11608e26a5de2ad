"""What a check finds at a point and around it, and the report that says so."""
