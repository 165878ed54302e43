"""The only reader of the environment: every setting, `OMS_…`, with its default and unit."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class Settings(BaseSettings):
    """Read once at start; a wrong value stops the program with a sentence that says which and why."""

    model_config = SettingsConfigDict(env_prefix="OMS_", extra="ignore")

    database_url: str = Field(
        default="", description="postgresql+asyncpg://… or sqlite+aiosqlite:///…; `oms dev` keeps SQLite in its folder."
    )
    redis_url: str = Field(default="", description="redis://…; without it jobs run in the process (`oms dev`).")
    secret_keys: Annotated[list[SecretStr], NoDecode] = Field(
        default_factory=list,
        description="Comma-separated, newest first, each at least 32 characters: signs tokens, encrypts secrets.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8000", description="Where callers reach this API; links in answers begin with it."
    )
    stripe_secret_key: SecretStr | None = Field(
        default=None, description="At start, puts the first tenant's payment account `stripe`, with the next three."
    )
    stripe_webhook_secret: SecretStr | None = Field(
        default=None, description="Verifies Stripe's callbacks; two, comma-separated, while it is being changed."
    )
    stripe_api_base: str = Field(default="https://api.stripe.com", description="Where Stripe is.")
    stripe_return_url: str = Field(
        default="", description="Where a bank sends customers back to; without it only Stripe's own form asks them."
    )
    webhook_allow_loopback: bool = Field(
        default=False, description="Permit http webhooks on loopback; set only by `oms dev` and `oms demo`."
    )
    test_clock: bool = Field(default=False, description="Let `oms clock advance` move time; never in production.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error."
    )
    log_format: Literal["json", "console"] = Field(default="json", description="json, or console for people.")
    database_pool_size: int = Field(default=16, ge=1, le=200, description="Connections of a process, a loop.")
    worker_threads: int = Field(default=8, ge=1, le=64, description="Jobs that run at once in a worker process.")
    rate_limit_points: int = Field(default=100_000, ge=100, description="Cost points a client may save up.")
    rate_restore_points_per_s: int = Field(default=20_000, ge=1, description="Cost points a client gets each second.")
    requests_at_once_max: int = Field(default=200, ge=1, description="Requests a process works on before it says 503.")

    @field_validator("secret_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part for part in value.replace(",", " ").split() if part] if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if value and not value.startswith(("postgresql+asyncpg://", "sqlite+aiosqlite:///")):
            raise ValueError("must begin with postgresql+asyncpg:// or sqlite+aiosqlite:///")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("stripe_api_base", "stripe_return_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
            raise ValueError("must begin with https:// (http:// only on this machine)")
        return value.rstrip("/")

    def stripe_account(self) -> dict[str, Any] | None:
        """The configuration of the first tenant's Stripe account; None when no key is set."""
        if self.stripe_secret_key is None or not (key := self.stripe_secret_key.get_secret_value()):
            return None
        signed_by = self.stripe_webhook_secret.get_secret_value() if self.stripe_webhook_secret else ""
        return {
            "secret_key": key,
            "webhook_secrets": signed_by.replace(",", " ").split(),
            "api_base": self.stripe_api_base,
            "return_url": self.stripe_return_url,
        }

    def plain_secret_keys(self) -> list[str]:
        return [key.get_secret_value() for key in self.secret_keys]


def sqlite_url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder / 'oms.sqlite3'}"
