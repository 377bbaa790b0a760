"""What a trained model costs; run as `python -m keras_asym.profile`."""
