"""The key that signs sessions: what production takes for one."""

import itertools

from views.setup.misconfigured import Misconfigured

SHORTEST_SECRET = 32
FEWEST_CHARACTERS = 8  # distinct ones: 32 random digits have more
KNOWN_WORDS = ("change", "secret", "password", "example", "default", "insecure", "tcos")


def strong_secret(given: str) -> str:
    """Return a secret nobody guesses. Raises Misconfigured."""
    wrong = _weakness(given)
    if wrong:
        raise Misconfigured(
            f"set TCOS_SECRET_KEY to a random text of at least {SHORTEST_SECRET} characters "
            f"(it is {wrong}), for example from: "
            "python -c 'import secrets; print(secrets.token_urlsafe(48))'"
        )
    return given


def _weakness(given: str) -> str:
    if not given:
        return "not set"
    if len(given) < SHORTEST_SECRET:
        return f"{len(given)} characters long"
    if len(set(given)) < FEWEST_CHARACTERS or given in (given + given)[1:-1]:
        return "a repetition"
    steps = sum(ord(b) - ord(a) == 1 for a, b in itertools.pairwise(given))
    if steps > len(given) // 2:
        return "a sequence"
    if any(word in given.lower() for word in KNOWN_WORDS):
        return "made of words that stand in examples"
    return ""
