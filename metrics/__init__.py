"""Figures computed from margins and labels, with numpy alone."""
