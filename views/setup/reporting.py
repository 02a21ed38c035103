"""Errors reported to a Sentry-compatible service, where TCOS_SENTRY_DSN names one.

What is reported are the error lines of the log, which name no values; neither local variables nor
requests go out. Without the variable the library is not even imported.
"""

import importlib
import logging
import os


def init_reporting(environment: str) -> bool:
    """Begin to report; tell whether a service is named."""
    dsn = os.environ.get("TCOS_SENTRY_DSN", "")
    if not dsn:
        return False
    sentry = importlib.import_module("sentry_sdk")  # 20 MB that most processes do without
    hooks = importlib.import_module("sentry_sdk.integrations.logging")

    sentry.init(
        dsn,
        environment=environment,
        default_integrations=False,
        integrations=[hooks.LoggingIntegration(level=None, event_level=logging.ERROR)],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
    return True
