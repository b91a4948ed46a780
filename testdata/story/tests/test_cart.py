def test_nothing_costs_nothing():
    assert shop.total([]) == 0


def test_prices_add_up():
    assert shop.total([100, 250]) == 350


def test_negative_price_is_refused():
    try:
        shop.total([-1])
    except ValueError:
        return
    raise AssertionError("it was taken")


def test_free_costs_nothing():
    assert shop.total([0]) == 0


def test_every_order_adds_up():
    assert shop.total([1, 2, 3]) == shop.total([3, 2, 1]) == 6


test_every_order_adds_up.copies = 54
