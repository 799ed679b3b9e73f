"""YAML as people write it: what looks like a date, a fraction, `on`, `yes` or 13:30 is the word it is (YAML 1.2)."""

import re
from typing import Any, Final

import yaml

_MERGE: Final = "tag:yaml.org,2002:merge"
_WORDS: Final = {f"tag:yaml.org,2002:{one}" for one in ("timestamp", "float", "bool", "int")}


class _Loader(yaml.SafeLoader):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._merged: set[int] = set()

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Take in what `<<` merges, which may be overridden; but nothing is written twice."""
        keys = [key.value for key, _ in node.value if key.tag != _MERGE]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None and id(node) not in self._merged:
            raise yaml.MarkedYAMLError(problem=f"{twice} is written twice", problem_mark=node.start_mark)
        self._merged.add(id(node))
        super().flatten_mapping(node)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rows if tag not in _WORDS]
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), [*"tTfF"]
)
# Thirteen digits are a corporate number, and that is no number to count with.
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9]\d{0,11})\Z"), [*"-+0123456789"])


def read(text: str) -> Any:
    """What *text* says. Raises yaml.YAMLError, naming the line."""
    return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with fewer types
