<<<<<<< HEAD
"""Records: plain data that turns into JSON and back, from a run to a report's row."""
=======
"""Records: plain data that is stored, judged and reported."""
>>>>>>> claims
