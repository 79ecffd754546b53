"""Ensembles of networks over folds, trained in lock step and stacked, for tables with noise."""
