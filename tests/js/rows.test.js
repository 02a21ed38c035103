'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { between, moved } = require('../../static/rows.js');

test('a key leads to the next row, from nowhere to an end, and never beyond one', () => {
  assert.equal(moved('j', -1, 3), 0);
  assert.equal(moved('K', -1, 3), 2);
  assert.equal(moved('ArrowDown', 0, 3), 1);
  assert.equal(moved('ArrowUp', 0, 3), null);
  assert.equal(moved('J', 2, 3), null);
  assert.equal(moved('j', -1, 0), null);
  assert.equal(moved('ArrowLeft', 1, 3), null);
  assert.equal(moved('a', 1, 3), null);
});

test('a range takes in both ends, whichever came first', () => {
  assert.deepEqual(between(1, 3), [1, 2, 3]);
  assert.deepEqual(between(3, 1), [1, 2, 3]);
  assert.deepEqual(between(2, 2), [2]);
  assert.deepEqual(between(-1, 4), [4]);
});
