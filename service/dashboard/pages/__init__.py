"""One module per page; its view returns the data of the page and of its JSON twin."""
