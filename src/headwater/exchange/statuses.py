"""HTTP statuses of Anthropic's errors by their type, as its public reference has them: results of batches have none."""

from __future__ import annotations

from typing import Final

STATUSES: Final = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "overloaded_error": 529,
}
