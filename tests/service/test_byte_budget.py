"""The byte budget of all requests together, and the addresses that it counts by."""

import pytest

from fer_lib.service.addresses import client_key
from fer_lib.service.byte_budget import ByteBudget


def test_take_until_full_and_again_after_give_back():
    budget = ByteBudget(100)
    assert budget.take(60, None)
    assert not budget.take(41, None)
    assert budget.take(40, None)
    assert budget.used == 100
    budget.give_back(60, None)
    assert budget.take(60, None)


def test_take_one_address_gets_half():
    budget = ByteBudget(100)
    assert budget.take(50, "a")
    assert not budget.take(1, "a")
    assert budget.take(50, "b")
    assert not budget.take(1, None)
    budget.give_back(50, "a")
    assert budget.take(50, "a")


def test_take_the_largest_request_always_fits_alone():
    assert ByteBudget(100, least_per_address=80).take(80, "a")
    assert ByteBudget(100, least_per_address=300).take(300, "a")


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
