"""Bulk decisions one by one: each inside its own SAVEPOINT, so that a refusal undoes that alone."""

from collections.abc import Mapping

from services.approval.request.decide import decide
from services.approval.request.request_lock import refused
from services.bulk.doers import Problem, told
from services.core.errors import Refused
from services.rights.call import Call


def each(
    call: Call, pairs: Mapping[int, int | None], *, verb: str, comment: str | None
) -> dict[int, Problem | None]:
    """Decide requests (id → version seen); return id → (code, message), None where it worked."""
    found: dict[int, Problem | None] = {}
    for key, seen in pairs.items():
        try:
            with call.session.begin_nested():
                if seen is None:
                    raise refused("CONTENT_CHANGED")
                decide(call, key, seen=seen, verb=verb, comment=comment)
            found[key] = None
        except Refused as refusal:
            found[key] = told(refusal)
    return found
