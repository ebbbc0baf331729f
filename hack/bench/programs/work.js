// SPDX-License-Identifier: Apache-2.0
// What scripts do: objects, strings, closures, sorting, regular expressions.
"use strict";
let state = 7;
const random = (below) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below;
class Account {
    constructor(name) { this.name = name; this.balance = 0; this.history = []; }
    book(amount) { this.balance += amount; this.history.push({ amount, after: this.balance }); return this; }
}
const accounts = new Map();
for (let i = 0; i < 20000; i++) {
    const name = "account-" + random(300);
    if (!accounts.has(name)) accounts.set(name, new Account(name));
    accounts.get(name).book(random(1000) - 450);
}
const sorted = [...accounts.values()].sort((a, b) => b.balance - a.balance || (a.name < b.name ? -1 : 1));
const text = JSON.stringify(sorted.slice(0, 100));
const numbers = JSON.parse(text).flatMap((account) => account.history.map((entry) => entry.after));
const digits = text.replace(/"amount":(-?\d+)/g, (_, amount) => `<${amount}>`).length;
const sum = numbers.filter((n) => n % 3 === 0).reduce((total, n) => (total * 31 + n) | 0, 0);
let primes = 0;
for (let n = 2; n < 4000; n++) {
    let prime = true;
    for (let d = 2; d * d <= n && prime; d++) prime = n % d !== 0;
    if (prime) primes++;
}
console.log(sorted[0].name, sorted[0].balance, digits, sum, primes);
