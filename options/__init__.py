"""Option files and the machinery that reads and checks them."""
