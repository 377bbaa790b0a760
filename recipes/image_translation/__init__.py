"""Image-to-image translation from several domains."""
