"""Looks at a folder of images and writes a config for it."""
