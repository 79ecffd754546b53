"""What a model knows of its predictions, learnt from rows that it has not seen."""
