// The browser's amounts; tests/rules/test_browser_sums.py holds the server to the same tables.
'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const amounts = require('../../static/amounts.js');
const capital = require('./tables/capital.json');
const sums = require('./tables/sums.json');
const typed = require('./tables/typed.json');

test('an amount is spelled as receipts spell it', () => {
  capital.forEach(([fen, text]) => assert.equal(amounts.capital(fen), text, String(fen)));
});

test('what is typed is read as the server reads it, and what it refuses counts nothing', () => {
  const readers = { money: amounts.fen, percent: amounts.points, quantity: amounts.thousandths };
  Object.entries(readers).forEach(([kind, read]) => {
    typed[kind].forEach(([text, value]) => assert.equal(read(text), value ?? 0, `${kind} ${text}`));
  });
  [undefined, null, ''].forEach((nothing) => assert.equal(amounts.fen(nothing), 0));
});

test('a product line is worth half-up quantity × price × discount', () => {
  sums.subtotal.forEach(([line, fen]) => assert.equal(amounts.subtotal(line), fen, JSON.stringify(line)));
});

test('a line that is not filled in yet is worth nothing', () => {
  assert.equal(amounts.subtotal({ quantity: '', price: '5', discount: '' }), 0);
  assert.equal(amounts.subtotal({ quantity: '2', price: '5', discount: 'half' }), 0);
});

test('ratios give shares of the amount, the last one the remainder', () => {
  sums.shares.forEach(([ratios, whole, shares]) => {
    assert.deepEqual(amounts.shares(ratios.map(amounts.points), amounts.fen(whole)), shares, `${ratios} of ${whole}`);
  });
});

test('ratios that do not make the whole give no shares', () => {
  [[[3000, 6999], 100], [[10000, 0], 100], [[], 100], [[10000], 0]].forEach(([ratios, whole]) => {
    assert.equal(amounts.shares(ratios, whole), null);
  });
});

test('an instalment is its amount, or its ratio of the whole; ratios that make the whole leave no remainder', () => {
  sums.instalments.forEach(([rows, whole, found]) => {
    const typedIn = rows.map(([ratio, amount]) => ({ ratio, amount }));

    assert.deepEqual(amounts.instalments(typedIn, amounts.fen(whole)), found, `${JSON.stringify(rows)} of ${whole}`);
  });
});

test('blank rows of a plan are none', () => {
  const blank = { ratio: '', amount: ' ' };

  assert.deepEqual(amounts.instalments([{ ratio: '50', amount: '' }, { ratio: '50%', amount: '' }, blank], 3), [2, 1, 0]);
  assert.deepEqual(amounts.instalments([blank], 100), [0]);
  assert.deepEqual(amounts.instalments([], 100), []);
});

test('an amount is shown with thousands and goes into a field without', () => {
  assert.equal(amounts.yuan(123456789), '1,234,567.89');
  assert.equal(amounts.yuan(-5), '-0.05');
  assert.equal(amounts.plain(123456789), '1234567.89');
  assert.equal(amounts.plain(9999999999999), '99999999999.99');
});
