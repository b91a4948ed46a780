def total(prices):
    cents = 0
    for price in prices:
        if price < 0:
            raise ValueError(price)
        cents = cents + price
    return cents


def discounted(price):
    return price - price // 10


def postage(cents):
    if cents >= 5000:
        return 0
    return 490


def voucher(cents):
    return 0 if cents < 500 else cents - 500


def rounded(cents):
    lower = cents // 5 * 5
    return lower if cents - lower < 3 else lower + 5


def label(name, cents):
    whole = cents // 100
    rest = cents - whole * 100
    return f"{name} {whole}.{rest:02}"


def greeting(name):
    polite = name.strip().title()
    return f"Hello, {polite}!"
