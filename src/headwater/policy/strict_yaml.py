"""YAML as plain values, refusing what a policy must not contain: code, and the same key twice.

What the values mean is the pack's business.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from headwater.errors import ConfigurationError, Where


def strict_yaml(data: bytes, file: str) -> object:
    """The value written in `data`; `ConfigurationError` names `file` and row."""
    import yaml

    class Strict(yaml.SafeLoader):
        """A safe loader that refuses the same key twice: the last one would win in silence."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
            keys = [key.value for key, _ in node.value]
            twice = sorted({str(key) for key in keys if keys.count(key) > 1})
            if twice:
                where = Where(file=file, row=node.start_mark.line + 1, field=twice[0])
                raise ConfigurationError("the same key stands twice in one place", where=where)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(data, Strict)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        row = mark.line + 1 if mark is not None else None
        raise ConfigurationError("this is not YAML", where=Where(file=file, row=row)) from None
