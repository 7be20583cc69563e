"""What scripts/export_onnx.py is made of."""
