"""JavaScript modules of versions, run in Node.js."""

import json
import subprocess
from pathlib import Path
from typing import Any

from export import Source
from export.javascript import javascript_module
from tests.export.tools import tool

_RUN = """
import * as fs from "node:fs";
import * as model from "./model.mjs";

const results = JSON.parse(fs.readFileSync(0, "utf8")).map((row) => {
  try {
    return model.predict(row);
  } catch (error) {
    return { error: error.name, message: error.message, errors: error.errors };
  }
});
process.stdout.write(JSON.stringify(results));
"""


def run_module(source: Source, rows: list[Any], folder: Path) -> list[dict[str, Any]]:
    """Return what `predict` returns, or throws, for each row."""
    (folder / "model.mjs").write_text(javascript_module(source), encoding="utf-8", newline="")
    found: list[dict[str, Any]] = run_script(_RUN, folder, json.dumps(rows))
    return found


def run_script(script: str, folder: Path, text: str = "") -> Any:
    """Return the JSON that a script in the folder of `model.mjs` prints."""
    path = folder / "script.mjs"
    path.write_text(script)
    done = subprocess.run(
        [tool("node"), path], input=text, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
