// A filter as an address; tests/rules/test_browser_sums.py reads the same addresses back with the server.
'use strict';
const assert = require('node:assert/strict');
const { test } = require('node:test');
const { condition, said, query } = require('../../static/filter_address.js');
const table = require('./tables/filters.json');

test('a tree is written as the address that the server reads', () => {
  table.forEach((one) => assert.equal(query('', one.tree, []), one.query));
});

test('what is no filter stays, the filter before and the page do not', () => {
  const before = '?sort=amount&f.level=in:a&g=any(x=1;y=2)&page=3&filter=7&mine=1&tag=a&tag=b';

  assert.equal(query(before, ['all', [['level', 'in:b']]], ['mine']), 'sort=amount&tag=a&tag=b&f.level=in:b');
  assert.equal(query(before, ['all', []], []), 'sort=amount&mine=1&tag=a&tag=b');
});

test('a condition without a field or a value says nothing', () => {
  assert.deepEqual(condition('level', 'in', 'a,b'), ['level', 'in:a,b']);
  assert.deepEqual(condition('note', 'empty', '-'), ['note', 'empty']);
  assert.deepEqual(condition('note', 'filled', '-'), ['note', 'filled']);
  assert.equal(condition('', 'in', 'a'), null);
  assert.equal(condition('level', 'in', ''), null);
});

test('empty groups are left out', () => {
  const parts = [null, ['any', []], ['level', 'in:a'], ['all', [['note', 'empty']]]];

  assert.deepEqual(parts.filter(said), [['level', 'in:a'], ['all', [['note', 'empty']]]]);
});
