"""Adds the dashboard to an application."""

from flask import Flask

from service.dashboard import browser_errors, layout, words
from service.dashboard.blueprint import blueprint, static_files
from service.dashboard.pages import compare, now, sign_in, try_it, version, versions
from service.dashboard.pages.retraining import pages as retraining
from service.dashboard.versions import figures

# Importing them adds their routes to the blueprint.
PAGES = (compare, now, retraining, sign_in, try_it, version, versions)


def register(app: Flask) -> None:
    """Add the pages, and show errors to browsers as pages."""
    app.register_blueprint(blueprint)
    browser_errors.register(app)


# once: all applications of a process share the blueprint
layout.register(blueprint, static_files.digest)
words.register(blueprint)
figures.register(blueprint)
