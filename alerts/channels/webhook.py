"""The webhook channel: a signed POST of the stored bytes, to our own or anybody's service.

The body is a CloudEvent (`alerts.render`), the signature is Standard Webhooks; each attempt is
signed anew, since receivers refuse old timestamps, over the same id and the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alerts.channels.base import Attempt, Outcome, Reason
from alerts.channels.retry_after import retry_after_seconds
from alerts.channels.signing import Signer
from alerts.channels.transport import NoAnswer
from alerts.channels.url import ReceiverUrl
from alerts.clock import MICROS
from alerts.errors import ChannelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alerts.channels.base import ChannelServices, OutboundMessage
    from alerts.channels.transport import Answer, Transport
    from alerts.clock import Clock

_BY_CLASS = {
    2: (Outcome.DELIVERED, Reason.OK),
    3: (Outcome.FAILED, Reason.REDIRECT),
    4: (Outcome.FAILED, Reason.CLIENT_ERROR),
    5: (Outcome.RETRY, Reason.SERVER_ERROR),
}
# Exceptions to their class: mostly what people repair while we retry, such as credentials or a
# route that is being deployed.
_BY_STATUS = {
    401: (Outcome.RETRY, Reason.AUTH),
    403: (Outcome.RETRY, Reason.AUTH),
    404: (Outcome.RETRY, Reason.NOT_FOUND),
    407: (Outcome.RETRY, Reason.AUTH),
    408: (Outcome.RETRY, Reason.TIMEOUT),
    409: (Outcome.RETRY, Reason.CLIENT_ERROR),
    410: (Outcome.DISABLED, Reason.GONE),
    423: (Outcome.RETRY, Reason.CLIENT_ERROR),
    425: (Outcome.RETRY, Reason.CLIENT_ERROR),
    429: (Outcome.RETRY, Reason.RATE_LIMITED),
}
# What retrying the same bytes cannot mend: an address that the policy refuses.
_HOPELESS = frozenset({Reason.REFUSED_ADDRESS})


class WebhookChannel:
    """Delivers to one URL.

    Parameters
    ----------
    name
        Configured name.
    url
        https, or http with `allow_http`.
    secrets
        `whsec_...`, one or more; with several the message carries a signature for each, which is
        how a receiver changes over without losing any.
    transport, clock
        What sends, and what dates the signatures.
    allow_http
        Accept an unencrypted URL.

    Raises
    ------
    ChannelError
        The URL or a secret cannot be used.
    """

    def __init__(
        self,
        name: str,
        url: str,
        secrets: Iterable[str],
        *,
        transport: Transport,
        clock: Clock,
        allow_http: bool = False,
    ) -> None:
        self._name = name
        self._url = ReceiverUrl.parse(url, allow_http=allow_http)
        self._signer = Signer(secrets)
        self._transport = transport
        self._clock = clock

    @classmethod
    def from_options(
        cls, name: str, options: Mapping[str, Any], services: ChannelServices
    ) -> WebhookChannel:
        """Build from configured options: `url`, `secrets` (texts), `allow_http` (default false)."""
        if unknown := options.keys() - {"url", "secrets", "allow_http"}:
            raise ChannelError(f"webhook has no option {', '.join(sorted(unknown))}")
        if not isinstance(options.get("url"), str):
            raise ChannelError("url is missing")
        secrets = options.get("secrets", ())
        if not isinstance(secrets, list | tuple) or not all(isinstance(s, str) for s in secrets):
            raise ChannelError("secrets must be a list of texts")
        return cls(
            name,
            options["url"],
            secrets,
            transport=services.transport,
            clock=services.clock,
            allow_http=options.get("allow_http", False) is True,
        )

    @property
    def name(self) -> str:
        """The configured name."""
        return self._name

    @property
    def target(self) -> str:
        """Fingerprint of the URL."""
        return self._url.fingerprint

    def send(self, message: OutboundMessage) -> Attempt:
        """POST the stored bytes once, signed for this moment."""
        seconds = self._clock.now() // MICROS
        headers = {
            "Content-Type": message.content_type,
            "User-Agent": "driftd",
            **self._signer.headers(message.id, seconds, message.body),
        }
        answer = self._transport.post(self._url, headers, message.body)
        if isinstance(answer, NoAnswer):
            outcome = Outcome.FAILED if answer.reason in _HOPELESS else Outcome.RETRY
            return Attempt(outcome, answer.reason, detail=answer.detail)
        return self._judge(answer)

    def _judge(self, answer: Answer) -> Attempt:
        """Turn a status into what to do next."""
        outcome, reason = judge_status(answer.status)
        wait = None
        if outcome is Outcome.RETRY:
            wait = retry_after_seconds(answer.headers.get("retry-after"), self._clock.now())
        return Attempt(outcome, reason, wait, f"HTTP {answer.status}")

    def __repr__(self) -> str:
        return f"WebhookChannel({self._name!r}, {self._url!r}, {self._signer!r})"


def judge_status(status: int) -> tuple[Outcome, Reason]:
    """Say what an HTTP status means for a webhook.

    2xx is delivered; 410 disables; 5xx and what people repair is retried; a redirect is not
    followed, and like every other status the same bytes would meet it again: failed.
    """
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return _BY_CLASS.get(status // 100, (Outcome.RETRY, Reason.BAD_RESPONSE))
