"""Settings: what the environment may say, and what is answered when it says something else."""

import base64
import os
from pathlib import Path

import pytest

from workers.settings import Settings, SettingsFault, described, unknown_variables, without_password

KEY = bytes(range(32))
OTHER = bytes(32)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names nothing."""
    for name in list(os.environ):
        if name.startswith(("HASHI_", "TEMPORAL_")):
            monkeypatch.delenv(name)


def test_nothing_set_means_this_machine() -> None:
    settings = Settings.load()
    assert (settings.host, settings.port, settings.database_url) == ("127.0.0.1", 8780, None)
    assert settings.master_keys() == []


def test_an_empty_variable_is_as_if_it_were_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_PORT", "")
    monkeypatch.setenv("HASHI_DATABASE_URL", "")
    assert (Settings.load().port, Settings.load().database_url) == (8780, None)


@pytest.mark.parametrize("written", [base64.b64encode(KEY).decode(), KEY.hex()])
def test_a_master_key_is_base64_or_hex(written: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_MASTER_KEY", written)
    assert Settings.load().master_keys() == [KEY]


def test_several_master_keys_stand_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_MASTER_KEY", f"{KEY.hex()}, {OTHER.hex()}")
    assert Settings.load().master_keys() == [KEY, OTHER]


def test_a_master_key_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(f"{KEY.hex()}\n{OTHER.hex()}\n", encoding="ascii")
    monkeypatch.setenv("HASHI_MASTER_KEY_FILE", str(tmp_path / "key"))
    assert Settings.load().master_keys() == [KEY, OTHER]


def test_a_master_key_of_another_length_is_named_by_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_MASTER_KEY", f"{KEY.hex()},c2hvcnQ=")
    with pytest.raises(SettingsFault, match="HASHI_MASTER_KEY: key 2 is not 32 bytes") as fault:
        Settings.load().master_keys()
    assert "c2hvcnQ" not in str(fault.value)


def test_a_key_file_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HASHI_MASTER_KEY_FILE", str(tmp_path / "none"))
    with pytest.raises(SettingsFault, match="HASHI_MASTER_KEY_FILE"):
        Settings.load().master_keys()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_this_machine_may_be_listened_on(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_HOST", host)
    assert Settings.load().host == host


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "hashi.example"])
def test_the_network_is_listened_on_behind_a_proxy_only(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_HOST", host)
    with pytest.raises(SettingsFault, match=r"HASHI_HOST: .*HASHI_BEHIND_PROXY=1"):
        Settings.load()
    monkeypatch.setenv("HASHI_BEHIND_PROXY", "1")
    assert Settings.load().host == host


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HASHI_PORT", "70000"),
        ("HASHI_PORT", "http"),
        ("HASHI_LOG_LEVEL", "loud"),
        ("HASHI_URL", "127.0.0.1:8780"),
        ("HASHI_PATIENCE", "0"),
    ],
)
def test_a_value_that_does_not_fit_is_named_by_its_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsFault, match=f"^{name}: "):
        Settings.load()


def test_a_misspelt_variable_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_PROT", "1")
    assert unknown_variables() == ["HASHI_PROT"]


def test_every_setting_is_described_and_secrets_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        "HASHI_MASTER_KEY": KEY.hex(),
        "HASHI_API_KEY": "hk_geheim",
        "HASHI_DATABASE_URL": "postgresql://hashi:geheim@db.example/hashi",
        "TEMPORAL_API_KEY": "geheim",
    }
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    told = {one.name: one for one in described()}
    assert {f"HASHI_{name.upper()}" for name in Settings.model_fields} <= told.keys()
    assert all(one.meaning for one in told.values())
    assert "geheim" not in str(told)
    assert KEY.hex() not in str(told)
    assert told["HASHI_DATABASE_URL"].value == "postgresql://hashi:********@db.example/hashi"


def test_settings_do_not_show_secrets_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HASHI_MASTER_KEY", KEY.hex())
    monkeypatch.setenv("HASHI_DATABASE_URL", "postgresql://hashi:geheim@db.example/hashi")
    assert "geheim" not in repr(Settings.load())
    assert KEY.hex() not in repr(Settings.load())


def test_a_url_without_a_password_stays_as_it_is() -> None:
    url = "postgresql+psycopg://hashi_owner@/hashi?host=%2Frun%2Fhashi&port=5432"
    assert without_password(url) == url
