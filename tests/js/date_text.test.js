'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { tidy } = require('../../static/date_text.js');

const TODAY = '2026-11-29';

test('a day is understood in every notation that leads with the year, or has none', () => {
  const same = ['2026-12-31', '2026/12/31', '2026.12.31', '2026年12月31日', '20261231', '１２－３１', '12-31', '12/31', '12月31日', '1231', ' 12.31 '];
  same.forEach((text) => assert.equal(tidy(text, TODAY, false), '2026-12-31', text));
  assert.equal(tidy('1-5', TODAY, false), '2027-01-05'); // January is meant, not ten months ago
  assert.equal(tidy('6-1', TODAY, false), '2026-06-01');
  assert.equal(tidy('3-1', '2026-02-10', false), '2026-03-01');
});

test('words of the next days cross months and years', () => {
  assert.equal(tidy('今天', TODAY, false), TODAY);
  assert.equal(tidy('后天', TODAY, false), '2026-12-01');
  assert.equal(tidy('Tomorrow', '2026-12-31', false), '2027-01-01');
});

test('what may be two days or is none stays as it was typed', () => {
  ['', '3/5/2027', '31', '2026-02-30', '13-01', '2026-12-31 25:00', 'abc', '2026-12-31 10:00'].forEach((text) => assert.equal(tidy(text, TODAY, false), text));
  assert.equal(tidy('2028-02-29', TODAY, false), '2028-02-29');
});

test('a time stands beside the day, nine where none is said', () => {
  assert.equal(tidy('2026-12-31T14:30', TODAY, true), '2026-12-31 14:30');
  assert.equal(tidy('12-31 1430', TODAY, true), '2026-12-31 14:30');
  assert.equal(tidy('明天 8点', TODAY, true), '2026-11-30 08:00');
  assert.equal(tidy('12-31 ９：０５', TODAY, true), '2026-12-31 09:05');
  assert.equal(tidy('12-31', TODAY, true), '2026-12-31 09:00');
  ['12-31 24:00', '12-31 14:60', '12-31 soon'].forEach((text) => assert.equal(tidy(text, TODAY, true), text));
});
