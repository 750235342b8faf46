"""Labs: a scenario plus teaching. Lab files, goals, and the situation a reader is in."""
