"""Programs: graphs as data, recorded, drawn at random or by Hypothesis."""
