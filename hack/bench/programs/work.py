# SPDX-License-Identifier: Apache-2.0
# What scripts do: objects, strings, closures, sorting, generators. Runs in CPython.
class Account:
    def __init__(self, name):
        self.name = name
        self.balance = 0
        self.history = []

    def book(self, amount):
        self.balance += amount
        self.history.append((amount, self.balance))


state = 7


def random(below):
    global state
    state = (state * 1664525 + 1013904223) & 0xFFFFFFFF
    return state % below


accounts = {}
for i in range(8000):
    name = "account-" + str(random(200))
    if name not in accounts:
        accounts[name] = Account(name)
    accounts[name].book(random(1000) - 450)
ordered = sorted(accounts.values(), key=lambda account: (-account.balance, account.name))
total = 0
for account in ordered:
    for amount, after in account.history:
        if after % 3 == 0:
            total = (total * 31 + amount) & 0x3FFFFFFF


def primes(limit):
    for n in range(2, limit):
        d = 2
        while d * d <= n and n % d:
            d += 1
        if d * d > n:
            yield n


words = [",".join(str(n) for n in primes(100 + i)) for i in range(40)]
print(ordered[0].name, ordered[0].balance, total, sum(primes(4000)), len("".join(words)))
