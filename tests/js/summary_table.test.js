'use strict';
const assert = require('node:assert');
const { test } = require('node:test');
const { tabbed } = require('../../static/summary_table.js');

test('a copied table has a line a row, and no formula that people wrote', () => {
  const rows = [[{ text: '客户\n  单位' }, { text: '合同额', number: true }], [{ text: '=1+1' }, { text: '-3.00', number: true }]];

  assert.equal(tabbed(rows), "客户 单位\t合同额\n'=1+1\t-3.00");
});
