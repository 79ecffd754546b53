"""Other servers' APIs: MLflow, TensorFlow Serving, Open Inference Protocol."""
