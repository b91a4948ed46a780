def test_a_tenth_is_taken_off():
    assert shop.discounted(1000) == 900


def test_discount_rounds_for_the_customer():
    assert shop.discounted(19) == 18


def test_small_orders_pay_postage():
    assert shop.postage(4999) == 490


def test_large_orders_pay_none():
    assert shop.postage(5000) == 0


def test_voucher_takes_five_off():
    assert shop.voucher(700) == 200


def test_voucher_never_pays_out():
    assert shop.voucher(499) == 0


def test_cash_is_rounded():
    assert [shop.rounded(cents) for cents in (10, 11, 12, 13, 14)] == [10, 10, 10, 15, 15]
