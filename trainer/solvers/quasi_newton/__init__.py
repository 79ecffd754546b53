"""Methods that approximate the inverse Hessian."""
