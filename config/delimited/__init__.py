"""How a text is divided into cells, for training files and for requests alike."""
