"""Byte budget of all requests, and the client keys it counts by."""

import pytest

from fer_lib.service.addresses import client_key
from fer_lib.service.protection.byte_budget import ByteBudget


def test_acquire_until_full_and_after_release():
    budget = ByteBudget(100)
    assert budget.acquire(60, None)
    assert not budget.acquire(41, None)
    assert budget.acquire(40, None)
    assert budget.used == 100
    budget.release(60, None)
    assert budget.acquire(60, None)


def test_acquire_at_most_half_per_address():
    budget = ByteBudget(100)
    assert budget.acquire(50, "a")
    assert not budget.acquire(1, "a")
    assert budget.acquire(50, "b")
    assert not budget.acquire(1, None)
    budget.release(50, "a")
    assert budget.acquire(50, "a")


def test_acquire_least_per_address():
    assert ByteBudget(100, least_per_address=80).acquire(80, "a")
    assert ByteBudget(100, least_per_address=300).acquire(300, "a")


@pytest.mark.parametrize(
    ("client", "key"),
    [
        (None, None),
        (("127.0.0.1", 5), None),
        (("127.8.8.8", 5), None),
        (("::1", 5), None),
        (("::ffff:127.0.0.1", 5), None),
        (("10.0.0.7", 5), "10.0.0.7"),
        (("::ffff:10.0.0.7", 5), "10.0.0.7"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::", 5), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5), "fe80::/64"),
        (("testclient", 5), "testclient"),
    ],
)
def test_client_key(client, key):
    assert client_key({"type": "http", "client": client}) == key
