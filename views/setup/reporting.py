"""Errors reported to a Sentry-compatible service, where TCOS_SENTRY_DSN names one.

What is reported are the error lines of the log, which name no values; neither local variables nor
requests go out. Without the variable the library is not even imported.
"""

import logging
import os


def init_reporting(environment: str) -> bool:
    """Begin to report; tell whether a service is named."""
    dsn = os.environ.get("TCOS_SENTRY_DSN", "")
    if not dsn:
        return False
    import sentry_sdk  # 20 MB that most processes do without
    from sentry_sdk.integrations.logging import LoggingIntegration  # the same

    sentry_sdk.init(
        dsn,
        environment=environment,
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
    )
    return True
