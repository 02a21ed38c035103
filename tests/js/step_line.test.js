'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { KEYS, daysOf, moved, shifted } = require('../../static/step_line.js');

test('a date is moved by whole days over ends of months and leap years', () => {
  assert.deepStrictEqual(
    [['2026-02-28', 1], ['2028-02-28', 1], ['2026-12-31', 7], ['2026-03-01', -1], ['2026-03-29', 1]].map(([day, by]) => shifted(day, by)),
    ['2026-03-01', '2028-02-29', '2027-01-07', '2026-02-28', '2026-03-30'],
  );
  assert.equal(shifted('', 1), '');
});

test('a drag counts whole days both ways, a key is a day or a week', () => {
  assert.deepStrictEqual([9, 10, 35, -9, -10].map(daysOf).map((n) => n + 0), [0, 1, 3, 0, -1]);
  assert.deepStrictEqual([KEYS.ArrowLeft, KEYS.ArrowRight, KEYS.PageUp], [-1, 1, 7]);
});

test('a click after keys that were not saved moves nothing, a drag counts from where the step stands', () => {
  const move = moved();
  move.key('ArrowRight');
  move.key('PageUp');
  assert.equal(move.by, 8);
  move.press();
  assert.equal(move.by, 0);
  move.key('PageDown');
  move.press();
  move.drag(25);
  assert.equal(move.by, 2);
});
