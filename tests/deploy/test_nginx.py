"""The configuration of nginx in front of the replicas."""

import re
from pathlib import Path

TEMPLATE = Path(__file__).parents[2] / "deploy" / "nginx.conf.template"


def test_location_with_an_error_page_has_one_for_each_status_of_the_server() -> None:
    """A location inherits no error_page if it has one (ngx_http_core_module, `error_page`)."""
    text = TEMPLATE.read_text()
    statuses = {each for line in re.findall(r"error_page ([^@]*)@", text) for each in line.split()}
    locations = re.findall(r"location /\S* \{(.*?)\n        \}", text, re.DOTALL)
    own = [each for each in locations if "error_page" in each]
    assert own
    for location in own:
        found = " ".join(re.findall(r"error_page ([^@]*)@", location)).split()
        assert statuses == set(found)
