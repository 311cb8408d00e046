"""Values of JSON with one place of them changed."""

import copy


def with_changed(value, path, new):
    """A copy of a JSON value with something else in one place; without it where that is absent."""
    if not path:
        return new
    value = copy.deepcopy(value)
    inner = value
    for name in path[:-1]:
        inner = inner[name]
    if new is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return value
