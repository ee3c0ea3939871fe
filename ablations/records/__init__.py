"""Records: plain data that turns into JSON and back, from a run to a report's row."""
