"""Multimodal semantic segmentation."""
