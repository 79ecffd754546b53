"""Quasi-Newton methods: line search, updates of the inverse Hessian, a growing sample of rows."""
