"""What the environment says: `HASHI_…` for ours, Temporal's own variables for Temporal, and what each means.

`Settings.load` reads it; `described` lists it for `hashi doctor` and the documentation. No file is read but the one
that holds the master key.
"""

import base64
import binascii
import ipaddress
import os
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from domain.likeness import SUSPECT_FROM

if TYPE_CHECKING:
    from temporalio.client import Client

    from audit.signing import Signer
    from audit.verify_bundle import Key
    from gateway.settings import GatewaySettings, Provider
    from workers.mailer import MailServer

PREFIX: Final = "HASHI_"
KEY_BYTES: Final = 32
TEMPORAL_DEFAULT: Final = "localhost:7233"
TEMPORAL_VARIABLES: Final[Mapping[str, tuple[str, str]]] = {
    "TEMPORAL_ADDRESS": (TEMPORAL_DEFAULT, "Host and port of Temporal."),
    "TEMPORAL_NAMESPACE": ("default", "Temporal's namespace."),
    "TEMPORAL_PROFILE": ("default", "Profile of Temporal's TOML file."),
    "TEMPORAL_CONFIG_FILE": ("Temporal's own place", "Temporal's TOML file."),
    "TEMPORAL_API_KEY": ("", "Key for Temporal Cloud; switches TLS on."),
    "TEMPORAL_TLS": ("", "Whether to use TLS; TEMPORAL_TLS_… name certificates."),
}
_SECRET: Final = frozenset(
    {
        "HASHI_TOKEN_KEY",
        "HASHI_OIDC_CLIENT_SECRET",
        "HASHI_MASTER_KEY",
        "HASHI_LOG_KEY",
        "HASHI_API_KEY",
        "HASHI_SMTP_URL",
        "TEMPORAL_API_KEY",
    }
)
_MASK: Final = "********"


class SettingsFault(ValueError):
    """The environment says something that cannot be; the message names the variable and what it should be."""


class Setting(NamedTuple):
    """One setting as it is shown: secrets masked, None where nothing is set."""

    name: str
    value: str | None
    default: str
    meaning: str


class Settings(BaseSettings):
    """The settings of one process. Make it with `load`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    database_url: str | None = Field(None, repr=False, description="SQLAlchemy URL of PostgreSQL, as the application.")
    owner_url: str | None = Field(
        None, repr=False, description="The same database as its owner, for migrations; default: HASHI_DATABASE_URL."
    )
    database_connections: int = Field(8, ge=1, le=100, description="Most connections of one process.")
    home: Path = Field(Path(".hashi"), description="Where `hashi up` keeps its data, keys and logs.")
    master_key: SecretStr | None = Field(
        None, description="32 bytes as base64 or hex that seal what is confidential; several, by commas, newest first."
    )
    master_key_file: Path | None = Field(None, description="A file with the master key, instead of HASHI_MASTER_KEY.")
    log_key: SecretStr | None = Field(
        None,
        description="32 bytes as base64 or hex that sign checkpoints of the log; several, by commas, newest first, all "
        "sign. Default: keys that come from the master keys.",
    )
    log_key_file: Path | None = Field(None, description="A file with the log's keys, instead of HASHI_LOG_KEY.")
    log_origin: str | None = Field(
        None,
        pattern=r"^[^\s+]+$",
        description="Name of the log; default: comes from the master key.",
    )
    log_trusted: str | None = Field(
        None, description="Verifier keys of the log that `hashi audit` trusts beside these, for instance retired ones."
    )
    token_key: SecretStr | None = Field(
        None,
        description="32 bytes as base64 or hex that sign our OAuth access tokens; several, by commas, newest first. "
        "Default: keys that come from the master keys.",
    )
    token_key_file: Path | None = Field(None, description="A file with the tokens' keys, instead of HASHI_TOKEN_KEY.")
    oauth_issuers: str | None = Field(
        None, description="Authorization servers whose access tokens count: their issuers, by commas."
    )
    oauth_audience: str | None = Field(
        None, description="What access tokens are meant for (aud); default: HASHI_PUBLIC_URL."
    )
    proxy_checks_sender: bool = Field(
        False, description="1: the proxy checks that DPoP- or mTLS-bound tokens come from whom they are bound to."
    )
    oidc_issuer: str | None = Field(None, description="An OpenID Connect provider where people sign in: its issuer.")
    oidc_client_id: str = Field("hashi", description="As whom the provider knows this system.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="The secret the provider gave it; default: none, PKCE alone."
    )
    api_key: SecretStr | None = Field(None, description="The key of who acts; `--as PERSON` goes before it.")
    url: str | None = Field(None, description="Address of the gateway for commands; default: that of `hashi up`.")
    host: str = Field("127.0.0.1", description="Address the gateway listens on.")
    port: int = Field(8780, ge=1, le=65535, description="Port the gateway listens on.")
    behind_proxy: bool = Field(
        False, description="1 allows another HASHI_HOST than this machine: a proxy with TLS stands in front."
    )
    patience: float = Field(20.0, gt=0, le=300, description="Seconds a command waits for its answer.")
    rate_limit: int = Field(
        1200, ge=0, description="Requests a key may make in HASHI_RATE_WINDOW at all gateways together; 0: any number."
    )
    rate_window: int = Field(60, ge=1, le=86_400, description="Seconds in which HASHI_RATE_LIMIT counts.")
    sandbox: bool = Field(False, description="1 runs workflows in Temporal's sandbox; a third slower.")
    smtp_url: SecretStr | None = Field(
        None, description="Mail server for notices: smtp://, smtp+starttls:// or smtps://, with user and password."
    )
    mail_from: str = Field("hashi@localhost", description="Address that notices come from.")
    public_url: str | None = Field(
        None, description="Where people reach the gateway, for links in mails; default: HASHI_HOST and HASHI_PORT."
    )
    webhooks_to_loopback: bool = Field(
        False, description="1 lets lenders' webhooks be on this machine, without TLS; for development only."
    )
    payload_codec: bool = Field(
        False, description="1 seals what Temporal keeps with the master key; the same for all processes."
    )
    duplicate_likeness: Decimal = Field(
        SUSPECT_FROM,
        ge=0,
        le=2,
        description="From which likeness, 0 to 1, two needs of one company are suspected to be one; 2: never.",
    )
    cached_cases: int = Field(2000, ge=0, description="Cases one worker keeps in memory, some 60 KB each.")
    deployment: str | None = Field(
        None,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$",
        description="Name of Temporal's worker deployment, if workers of several builds shall run at once; then "
        "nothing runs before a build of it is made current. Default: any worker takes any case.",
    )
    build_id: str | None = Field(
        None,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$",
        description="Name of this build in that deployment; default: the version and a digest of the workflows.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    debug: bool = Field(False, description="1 shows tracebacks.")

    @classmethod
    def load(cls) -> Self:
        """The settings of the environment. Raises SettingsFault naming the variable."""
        try:
            return cls()
        except ValidationError as error:
            raise SettingsFault("; ".join(_sentence(one["loc"], one["msg"]) for one in error.errors())) from error

    @field_validator("log_level", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("url", "public_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.port == 0:
            raise ValueError("should be http:// or https:// with a host, such as http://127.0.0.1:8780")
        return value.rstrip("/")

    @model_validator(mode="after")
    def _stays_on_this_machine(self) -> Self:
        if not self.behind_proxy and not is_loopback(self.host):
            raise ValueError(
                "host: only this machine can be listened on without TLS; "
                "put a proxy with TLS in front and set HASHI_BEHIND_PROXY=1"
            )
        return self

    def address(self) -> str:
        """Where the gateway is reached: HASHI_PUBLIC_URL, else the address it listens on."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    def gateway(self) -> "GatewaySettings":
        """What the gateway is told. Raises SettingsFault."""
        from gateway.settings import GatewaySettings  # noqa: PLC0415 - only the gateway pays for it

        return GatewaySettings(
            patience=self.patience,
            rate_limit=self.rate_limit,
            rate_window=self.rate_window,
            webhooks_to_loopback=self.webhooks_to_loopback,
            issuer=self.address(),
            issuers=self.trusted_issuers(),
            audience=self.oauth_audience,
            token_seeds=tuple(_keys("HASHI_TOKEN_KEY", self.token_key, self.token_key_file)),
            sender_checked=self.proxy_checks_sender,
            provider=self.provider(),
        )

    def provider(self) -> "Provider | None":
        """Where people sign in beside local accounts. Raises SettingsFault."""
        from gateway.settings import Provider  # noqa: PLC0415

        if self.oidc_issuer is None:
            return None
        _require_safe("HASHI_OIDC_ISSUER", self.oidc_issuer)
        secret = self.oidc_client_secret
        return Provider(self.oidc_issuer, self.oidc_client_id, secret.get_secret_value() if secret else None)

    def trusted_issuers(self) -> tuple[str, ...]:
        """The authorization servers whose access tokens count. Raises SettingsFault."""
        named = tuple((self.oauth_issuers or "").replace(",", " ").split())
        for one in named:
            _require_safe("HASHI_OAUTH_ISSUERS", one)
        return named

    def mail_server(self) -> "MailServer | None":
        """Where mail goes; None when no server is named. Raises SettingsFault."""
        from workers.mailer import MailServer, MailSettingsFault  # noqa: PLC0415 - only the relay pays for it

        if self.smtp_url is None:
            return None
        try:
            return MailServer.at(self.smtp_url.get_secret_value(), self.mail_from, self.address())
        except MailSettingsFault as error:
            raise SettingsFault(f"HASHI_SMTP_URL, HASHI_MAIL_FROM: {error}") from error

    def owner(self) -> str | None:
        """The URL for migrations."""
        return self.owner_url or self.database_url

    def master_keys(self) -> list[bytes]:
        """The master keys, newest first; empty when none is set. Raises SettingsFault."""
        return _keys("HASHI_MASTER_KEY", self.master_key, self.master_key_file)

    def log_signers(self) -> "list[Signer]":
        """Who signs the log's checkpoints, the newest first; empty when no key is set. Raises SettingsFault."""
        from audit.signing import signers  # noqa: PLC0415 - only those who prove pay for it
        from store.sealing import Seals  # noqa: PLC0415

        master_keys = self.master_keys()
        seals = Seals(master_keys) if master_keys else None
        seeds = _keys("HASHI_LOG_KEY", self.log_key, self.log_key_file) or (seals.log_seeds if seals else [])
        origin = self.log_origin or (seals.log_origin if seals else None)
        if seeds and origin is None:
            raise SettingsFault("HASHI_LOG_ORIGIN: not set, and no master key it could come from")
        return signers(origin, seeds) if origin else []

    def log_keys(self) -> "list[Key]":
        """The verifier keys that are trusted here: of those who sign, and HASHI_LOG_TRUSTED. Raises SettingsFault."""
        from audit.verify_bundle import Broken, parse_key  # noqa: PLC0415

        words = (self.log_trusted or "").replace(",", " ").split()
        try:
            return [*(one.key for one in self.log_signers()), *(parse_key(word) for word in words)]
        except Broken as error:
            raise SettingsFault(f"HASHI_LOG_TRUSTED: {error}") from error


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine and nothing else."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_safe(name: str, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SettingsFault(f"{name}: {url} is not https; only on this machine may an issuer be reached without TLS")


def _keys(name: str, given: SecretStr | None, path: Path | None) -> list[bytes]:
    if given is not None:
        return parse_keys(given.get_secret_value(), name)
    if path is None:
        return []
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise SettingsFault(f"{name}_FILE: {path} cannot be read: {error}") from error
    return parse_keys(text, f"{name}_FILE ({path})")


def parse_keys(text: str, name: str) -> list[bytes]:
    """The keys in *text*, divided by commas or lines. Raises SettingsFault naming *name* and the place."""
    words = text.replace(",", "\n").split()
    if not words:
        raise SettingsFault(f"{name}: holds no key")
    keys = [_key(word) for word in words]
    for place, key in enumerate(keys, 1):
        if key is None:
            raise SettingsFault(
                f"{name}: key {place} is not {KEY_BYTES} bytes in base64 or hex; "
                "make one with: python3 -c 'import base64,os; print(base64.b64encode(os.urandom(32)).decode())'"
            )
    return [key for key in keys if key is not None]


def _key(word: str) -> bytes | None:
    try:
        key = bytes.fromhex(word) if len(word) == 2 * KEY_BYTES else base64.b64decode(word, validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES else None


def unknown_variables() -> list[str]:
    """The HASHI_… variables that are set and mean nothing: probably misspelt."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def described() -> list[Setting]:
    """All settings with their values in this environment, their defaults and their meaning; never raises."""
    ours = [
        Setting(
            name := PREFIX + field.upper(),
            _shown(name, os.environ.get(name)),
            "" if one.default is None else str(one.default),
            one.description or "",
        )
        for field, one in Settings.model_fields.items()
    ]
    theirs = [
        Setting(name, _shown(name, os.environ.get(name)), default, meaning)
        for name, (default, meaning) in TEMPORAL_VARIABLES.items()
    ]
    return ours + theirs


def without_password(url: str) -> str:
    """*url* as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return urlunsplit(parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", f":{_MASK}@")))


async def connect_temporal(settings: Settings) -> "Client":
    """A client of the Temporal that its own variables and TOML file name, else of localhost:7233.

    Raises RuntimeError when the server does not answer, SettingsFault when its configuration cannot be read.
    """
    from temporalio.client import Client  # noqa: PLC0415 - half a second that only servers' commands pay
    from temporalio.envconfig import ClientConfig  # noqa: PLC0415

    from workers.payloads import data_converter  # noqa: PLC0415

    try:
        told = ClientConfig.load_client_connect_config()
    except Exception as error:
        raise SettingsFault(f"Temporal's configuration: {error}") from error
    told.setdefault("target_host", TEMPORAL_DEFAULT)
    converter = data_converter(settings.master_keys(), sealed=settings.payload_codec)
    return await Client.connect(**told, data_converter=converter)


def _sentence(place: tuple[int | str, ...], message: str) -> str:
    message = message.removeprefix("Value error, ")
    field, told, rest = message.partition(": ")
    if not place and told and field in Settings.model_fields:
        place, message = (field,), rest
    return f"{PREFIX}{str(place[0]).upper()}: {message}" if place else message


def _shown(name: str, value: str | None) -> str | None:
    if not value:
        return None
    if name in _SECRET:
        return _MASK
    return without_password(value) if name.endswith("_URL") else value
