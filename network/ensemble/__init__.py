"""An ensemble of small networks and a linear model, for tables with noise."""
