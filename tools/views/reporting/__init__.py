"""What the commands view report and view plot are made of."""
