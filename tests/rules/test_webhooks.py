"""Where events may be pushed to."""

import pytest

from domain.webhooks import is_loopback, is_public, unfit_url


@pytest.mark.parametrize(
    "url",
    [
        "http://lender.example.com/hook",
        "ftp://lender.example.com/",
        "https://",
        "https:///path",
        "https://user:secret@lender.example.com/",
        "https://lender.example.com/#fragment",
        "https://lender.example.com:99999/",
        "https://localhost/",
        "https://LOCALHOST./",
        "https://intranet/",
        "https://hooks.internal/",
        "https://printer.local/",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0177.0.0.1/",
        "https://10.0.0.8/",
        "https://172.16.3.4/",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://100.64.0.1/",
        "https://0.0.0.0/",
        "https://224.0.0.1/",
        "https://255.255.255.255/",
        "https://[::1]/",
        "https://[::]/",
        "https://[fe80::1]/",
        "https://[fc00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2002:7f00:1::]/",
        "https://lender.example.com\\@127.0.0.1/",
        "https://lender.example.com/ hook",
        "https://ｌocalhost/",
        "https://lender.example.com/" + "x" * 2000,
        "",
    ],
)
def test_nothing_is_pushed_inside_or_in_the_clear(url: str) -> None:
    assert unfit_url(url) is not None


@pytest.mark.parametrize(
    "url",
    ["https://lender.example.com/hook?bank=1", "https://93.184.216.34/", "https://[2606:2800:220:1::1]:8443/hook"],
)
def test_a_public_address_over_tls_is_pushed_to(url: str) -> None:
    assert unfit_url(url) is None


def test_development_may_push_to_this_machine_and_to_nothing_else_inside() -> None:
    assert unfit_url("http://127.0.0.1:9000/hook", loopback=True) is None
    assert unfit_url("http://localhost:9000/hook", loopback=True) is None
    assert unfit_url("http://[::1]:9000/", loopback=True) is None
    assert unfit_url("http://192.168.1.1/", loopback=True) is not None
    assert unfit_url("http://lender.example.com/", loopback=True) is not None


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.1.1", "169.254.1.1", "fe80::1%eth0", "::ffff:10.0.0.1", "word"])
def test_an_address_that_a_name_leads_to_is_judged_by_itself(address: str) -> None:
    assert not is_public(address)


def test_this_machine_is_told_from_others() -> None:
    assert is_loopback("127.8.8.8")
    assert not is_loopback("8.8.8.8")
    assert is_public("8.8.8.8")
