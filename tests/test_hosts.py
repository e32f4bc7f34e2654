"""Validation of `Host` headers: local names, allowed names, and all others."""

import pytest

from fer_lib.hosts import is_local_host, is_loopback_address, parse_host, split_names


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8866",
        "LocalHost:8866",
        "localhost.",
        "localhost.:8866",
        "localhost:",
        "127.0.0.1",
        "127.0.0.1:65535",
        "[::1]",
        "[::1]:8866",
        "[0:0:0:0:0:0:0:1]:80",
        "[0000::0001]",
    ],
)
def test_is_local_host_local_names(host):
    assert is_local_host(host, ())


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        ".",
        ":8866",
        "evil.example",
        "evil.example:8866",
        "localhost.evil.example",
        "evil-localhost",
        "localhost..",
        ".localhost",
        "127.0.0.1.evil.example",
        "127.0.0.1.nip.io",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0.0.0.0",
        "10.0.0.1",
        "::1",
        "[::1",
        "::1]",
        "[::]",
        "[::1%25lo]",
        "[::1]evil.example",
        "[localhost]",
        "[::1:::]",
        "localhost:port",
        "localhost:65536",
        "localhost:999999",
        "localhost:80:80",
        "localhost:-1",
        "localhost:٨٠",
        "user@localhost",
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost/",
        "localhost#",
        "http://localhost",
        "localhost, evil.example",
        "localhost evil.example",
        " localhost",
        "localhost ",
        "localhost\n",
        "localhost\x00",
        "localhost\r\nHost: evil.example",
        "ⓛocalhost",
        "localho\u017ft",
        "a" * 100_000,
    ],
)
def test_is_local_host_other_names(host):
    assert not is_local_host(host, ())


@pytest.mark.parametrize(
    "host",
    ["faces.example.org", "FACES.example.org.", "faces.example.org:443", "10.0.0.5:80", "localhost", "[fe80::1]"],
)
def test_is_local_host_allowed_names(host):
    assert is_local_host(host, ("Faces.Example.org.", "10.0.0.5", "[fe80:0::1]"))


@pytest.mark.parametrize("host", [None, "", "example.org", "other.faces.example.org", "kube.example.org", "not a host"])
def test_is_local_host_names_that_are_not_allowed(host):
    # U+212A, the Kelvin sign, is "k" in lower case.
    assert not is_local_host(host, ("faces.example.org", "not a host", "", "\u212aube.example.org"))


@pytest.mark.parametrize("host", [None, "", "evil.example", "not a host"])
def test_is_local_host_any(host):
    assert is_local_host(host, ("*",))
    assert not is_local_host(host, ("*.example",))


def test_parse_host_canonical_form():
    assert parse_host("Faces.Example.ORG.:443") == "faces.example.org"
    assert parse_host("[0:0::1]:443") == "[::1]"
    assert parse_host("a b") is None


@pytest.mark.parametrize("address", ["127.0.0.1", "127.0.0.2", "::1", "[::1]", "localhost", "LOCALHOST."])
def test_is_loopback_address_local(address):
    assert is_loopback_address(address)


@pytest.mark.parametrize(
    "address", ["", "0.0.0.0", "::", "[::]", "*", "10.0.0.1", "faces.example.org", "localhost.example"]
)
def test_is_loopback_address_other(address):
    assert not is_loopback_address(address)


def test_split_names_ignores_spaces_and_empty_parts():
    assert split_names(" a.example , ,10.0.0.5,") == ("a.example", "10.0.0.5")
    assert split_names("") == split_names(None) == ()
