"""The dashboard: pages for people, on the same data as the API."""
