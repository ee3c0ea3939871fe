"""Records: plain data that is stored, judged and reported."""
