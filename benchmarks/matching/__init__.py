"""Recipes and peers on labelled data folders, with equal encoders."""
