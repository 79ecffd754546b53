"""The root of the repository: benchmarks start their processes there."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
