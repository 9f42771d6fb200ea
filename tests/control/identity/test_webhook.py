"""Standard Webhooks: known answers, the replay window, and everything that a stranger may send."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headwater.control.identity import Delivered, WebhookFault, sign_webhook, verify_webhook, webhook_secret
from headwater.errors import ConfigurationError

#: From the specification's own Python library (MIT), libraries/python/tests/test_webhooks.py, test_sign_function,
#: at commit b2fa7b8719fb75d326b591077f5d1b385cfcdfae.
SECRET = webhook_secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT_S = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(AT_S), "webhook-signature": SIGNATURE}
NOW_US = AT_S * 1_000_000


def test_the_known_answer() -> None:
    assert sign_webhook(SECRET, ID, AT_S, BODY) == HEADERS
    assert verify_webhook(HEADERS, BODY, [SECRET], NOW_US) == Delivered(ID, AT_S)


def test_one_of_several_signatures_and_secrets_is_enough() -> None:
    other = webhook_secret(base64.b64encode(b"x" * 24).decode())
    several = HEADERS | {"webhook-signature": f"v1a,abc v1,Zm9v {SIGNATURE}"}
    assert isinstance(verify_webhook(several, BODY, [other, SECRET], NOW_US), Delivered)
    assert verify_webhook(several, BODY, [other], NOW_US) is WebhookFault.SIGNATURE
    assert verify_webhook(several, BODY, [], NOW_US) is WebhookFault.SIGNATURE


@pytest.mark.parametrize(
    ("later_s", "expected"),
    [(300, None), (301, WebhookFault.TOO_OLD), (-300, None), (-301, WebhookFault.TOO_NEW)],
)
def test_the_replay_window(later_s: int, expected: WebhookFault | None) -> None:
    found = verify_webhook(HEADERS, BODY, [SECRET], NOW_US + later_s * 1_000_000)
    assert found == (expected or Delivered(ID, AT_S))


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(name: str) -> None:
    without = {key: value for key, value in HEADERS.items() if key != name}
    assert isinstance(verify_webhook(without, BODY, [SECRET], NOW_US), WebhookFault)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg.1"},
        {"webhook-id": "m" * 129},
        {"webhook-timestamp": "0"},
        {"webhook-timestamp": f"+{AT_S}"},
        {"webhook-timestamp": f"{AT_S}.0"},
        {"webhook-timestamp": "1" * 13},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-signature": " ".join(["v1,a"] * 100)},
    ],
)
def test_malformed_headers(changed: dict[str, str]) -> None:
    assert verify_webhook(HEADERS | changed, BODY, [SECRET], NOW_US) is WebhookFault.HEADERS


@given(st.dictionaries(st.sampled_from(sorted(HEADERS)), st.text(max_size=80)), st.binary(max_size=50))
def test_nothing_unsigned_passes(headers: dict[str, str], body: bytes) -> None:
    assert isinstance(verify_webhook(headers, body, [SECRET], NOW_US), WebhookFault)


@given(st.binary(max_size=80).filter(lambda body: body != BODY))
def test_another_body_has_another_signature(body: bytes) -> None:
    assert verify_webhook(HEADERS, body, [SECRET], NOW_US) is WebhookFault.SIGNATURE


def test_a_large_body_is_not_hashed() -> None:
    assert verify_webhook(HEADERS, b"x" * 1_000_000, [SECRET], NOW_US) is WebhookFault.TOO_LARGE


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_!!!!", "whsec_c2hvcnQ=", "ü"])
def test_what_is_no_secret(text: str) -> None:
    with pytest.raises(ConfigurationError, match="not the secret of a webhook"):
        webhook_secret(text)
