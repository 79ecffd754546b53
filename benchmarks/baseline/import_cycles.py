"""Print the modules of packages that import each other in a circle, a circle per line.

    python import_cycles.py PACKAGE…

grimp reads the packages from PYTHONPATH, without importing them.
"""

import sys

import grimp


def cycles(packages: list[str]) -> list[list[str]]:
    """Return the strongly connected components with more than one module."""
    first, *others = packages
    graph = grimp.build_graph(first, *others)
    found, left = [], set(graph.modules)
    while left:
        module = left.pop()
        circle = {module} | (
            graph.find_upstream_modules(module) & graph.find_downstream_modules(module)
        )
        left -= circle
        if len(circle) > 1:
            found.append(sorted(circle))
    return sorted(found)


if __name__ == "__main__":
    for circle in cycles(sys.argv[1:]):
        print(*circle)
