"""What scripts/report.py and scripts/plot_scores.py are made of."""
