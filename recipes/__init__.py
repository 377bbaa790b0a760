"""Training recipes, one folder for each task; run from a checkout with `python -m recipes...`."""
