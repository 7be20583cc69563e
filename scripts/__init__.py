"""Commands beside training and prediction."""
