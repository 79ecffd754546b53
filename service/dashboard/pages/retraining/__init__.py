"""The pages on which models are trained again, and on which a training is watched."""
