"""What all endpoints share: bodies, fields, errors, headers and the admin token."""
