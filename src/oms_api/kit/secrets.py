"""Keys of this deployment: they sign tokens, cursors and links, and encrypt stored secrets. Newest first; all verify.

Signing is HMAC-SHA256 (RFC 2104), encryption Fernet (AES-128-CBC with HMAC), each under a key derived for its purpose.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

_keys: list[bytes] = []


class Unsigned(ValueError):
    """A token that none of our keys signed for this purpose."""


def configure(keys: Sequence[str]) -> None:
    """Set this process's keys, newest first. Each at least 32 characters."""
    for key in keys:
        if len(key) < 32:
            raise ValueError(
                "each of OMS_SECRET_KEYS needs at least 32 characters; make one with: openssl rand -hex 32"
            )
    _keys[:] = [key.encode() for key in keys]


def _derived(key: bytes, purpose: str) -> bytes:
    return hmac.digest(key, purpose.encode(), "sha256")


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def sign(purpose: str, content: object) -> str:
    """JSON content → `<content>.<signature>`, both base64url. The content is readable, not changeable."""
    body = _b64(orjson.dumps(content, option=orjson.OPT_SORT_KEYS))
    return f"{body}.{_b64(hmac.digest(_derived(_keys[0], purpose), body.encode(), 'sha256')[:16])}"


def verify(purpose: str, token: str) -> object:
    """The content that `sign` was given. Raises Unsigned."""
    body, _, signature = token.partition(".")
    for key in _keys:
        expected = _b64(hmac.digest(_derived(key, purpose), body.encode(errors="replace"), "sha256")[:16])
        if hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
            content: object = orjson.loads(_unb64(body))
            return content
    raise Unsigned(purpose)


def _fernet(purpose: str) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derived(key, purpose))) for key in _keys])


def encrypt(purpose: str, text: str) -> str:
    return _fernet(purpose).encrypt(text.encode()).decode()


def decrypt(purpose: str, token: str) -> str:
    """Raises Unsigned when none of our keys encrypted it."""
    try:
        return _fernet(purpose).decrypt(token.encode()).decode()
    except InvalidToken:
        raise Unsigned(purpose) from None


def hashed(text: str) -> str:
    """SHA-256 in hex, for looking up random secrets (API keys have 256 bits, so no slow hash is needed)."""
    return hashlib.sha256(text.encode()).hexdigest()
